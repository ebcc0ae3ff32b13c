-- AlterTable
ALTER TABLE "generation_job" ADD COLUMN     "attempt" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "revision" INTEGER NOT NULL DEFAULT 0;

-- One more tag: generation:<id>, the status and the finished chapters of a generation.

CREATE FUNCTION generation_revised() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.revision := OLD.revision + 1;
  RETURN NEW;
END $$;

-- Whoever follows the generation, in any process, is told when the transaction has committed.
CREATE FUNCTION cache_touch_generation() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  id uuid := COALESCE(NEW.id, OLD.id);
BEGIN
  PERFORM cache_touch('generation:' || id);
  PERFORM pg_notify('generation', id::text);
  RETURN NULL;
END $$;

CREATE FUNCTION cache_touch_generation_checkpoint() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM cache_touch('generation:' || OLD.job_id, 'generation:' || NEW.job_id);
  RETURN NULL;
END $$;

CREATE FUNCTION cache_touch_all_generations() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM cache_touch(VARIADIC ARRAY(SELECT 'generation:' || id FROM generation_job));
  RETURN NULL;
END $$;

CREATE TRIGGER generation_revised BEFORE UPDATE ON generation_job FOR EACH ROW EXECUTE FUNCTION generation_revised();
CREATE TRIGGER cache_touch AFTER INSERT OR UPDATE OR DELETE ON generation_job FOR EACH ROW EXECUTE FUNCTION cache_touch_generation();
CREATE TRIGGER cache_touch AFTER INSERT OR UPDATE OR DELETE ON generation_checkpoint FOR EACH ROW EXECUTE FUNCTION cache_touch_generation_checkpoint();
CREATE TRIGGER cache_touch_truncate BEFORE TRUNCATE ON generation_job FOR EACH STATEMENT EXECUTE FUNCTION cache_touch_all_generations();
CREATE TRIGGER cache_touch_truncate BEFORE TRUNCATE ON generation_checkpoint FOR EACH STATEMENT EXECUTE FUNCTION cache_touch_all_generations();
