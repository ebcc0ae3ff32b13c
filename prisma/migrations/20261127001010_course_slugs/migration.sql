-- The slugs that courses had before. A course that has one now goes before whoever had it once.
CREATE TABLE "course_slug" (
    "slug" TEXT NOT NULL,
    "course_id" INTEGER NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "course_slug_pkey" PRIMARY KEY ("slug")
);
CREATE INDEX "course_slug_course_id_idx" ON "course_slug"("course_id");
ALTER TABLE "course_slug" ADD CONSTRAINT "course_slug_course_id_fkey"
  FOREIGN KEY ("course_id") REFERENCES "course"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- The students of a course, the latest first.
CREATE INDEX "enrollment_course_id_created_at_user_id_idx" ON "enrollment"("course_id", "created_at", "user_id");
DROP INDEX "enrollment_course_id_idx";

-- One tag more: `slug:<slug>`, for whose course a slug is. It is touched where a course becomes visible under a slug, and where an old one
-- becomes another's. Whatever has been found for a slug depends on the courses, too.
CREATE FUNCTION cache_touch_slug() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM cache_touch('slug:' || NEW.slug);
  RETURN NULL;
END $$;
CREATE TRIGGER cache_touch_slug AFTER INSERT ON course FOR EACH ROW
  WHEN (NEW.status = 'published') EXECUTE FUNCTION cache_touch_slug();
CREATE TRIGGER cache_touch_slug_update AFTER UPDATE ON course FOR EACH ROW
  WHEN (NEW.status = 'published' AND (OLD.status, OLD.slug) IS DISTINCT FROM (NEW.status, NEW.slug)) EXECUTE FUNCTION cache_touch_slug();

CREATE FUNCTION cache_touch_old_slug() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM cache_touch('slug:' || OLD.slug, 'slug:' || NEW.slug);
  RETURN NULL;
END $$;
CREATE TRIGGER cache_touch AFTER INSERT OR DELETE ON course_slug FOR EACH ROW EXECUTE FUNCTION cache_touch_old_slug();
CREATE TRIGGER cache_touch_update AFTER UPDATE ON course_slug FOR EACH ROW
  WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION cache_touch_old_slug();
CREATE TRIGGER cache_truncate_guard BEFORE TRUNCATE ON course_slug FOR EACH STATEMENT EXECUTE FUNCTION cache_truncate_guard();

-- Whatever an old slug was found for depends on its course.
CREATE FUNCTION cache_touch_all_slugs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM cache_touch(VARIADIC ARRAY(SELECT 'slug:' || slug FROM course_slug));
  RETURN NULL;
END $$;
CREATE TRIGGER cache_touch_truncate BEFORE TRUNCATE ON course_slug FOR EACH STATEMENT EXECUTE FUNCTION cache_touch_all_slugs();

-- As in the migration `any_writer`.
DO $$
DECLARE
  named regprocedure;
BEGIN
  FOR named IN
    SELECT oid FROM pg_proc WHERE pronamespace = current_schema()::regnamespace
      AND proname IN ('cache_touch_slug', 'cache_touch_old_slug', 'cache_touch_all_slugs')
  LOOP
    EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', named, current_schema());
  END LOOP;
END $$;
