-- Who writes may have another search path: the functions of the triggers find their tables all the same. They keep the rights of
-- who writes, who so needs those that docs/operations.md names: with their owner's, anybody could run code of his own in them.
DO $$
DECLARE
  touch regprocedure;
BEGIN
  FOR touch IN
    SELECT oid FROM pg_proc WHERE pronamespace = current_schema()::regnamespace AND prokind = 'f' AND proname IN (
      'cache_touch', 'cache_lists', 'cache_touch_all', 'cache_touch_all_generations', 'cache_touch_category', 'cache_touch_course',
      'cache_touch_course_part', 'cache_touch_generation', 'cache_touch_generation_checkpoint', 'cache_touch_progress',
      'cache_touch_user')
  LOOP
    EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', touch, current_schema());
  END LOOP;
END $$;

-- TRUNCATE removes rows that an older snapshot does not see, and so could not name.
CREATE FUNCTION cache_truncate_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
    RAISE EXCEPTION USING ERRCODE = '40001', MESSAGE = 'truncate at read committed: the cache must be told of rows that this transaction does not see';
  END IF;
  RETURN NULL;
END $$;

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['course', 'module', 'chapter', 'category', 'app_user', 'enrollment', 'chapter_completion',
    'generation_job', 'generation_checkpoint']
  LOOP
    EXECUTE format('CREATE TRIGGER cache_truncate_guard BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION cache_truncate_guard()', name);
  END LOOP;
END $$;
