-- All courses of a category move at once (src/courses/categories.ts), and touch no tag of each: a page that shows a category depends on it,
-- and lists depend on all categories. `cache_move_courses` touches both, and says so to the trigger, for this transaction.
CREATE OR REPLACE FUNCTION cache_touch_course() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND OLD.category_id IS DISTINCT FROM NEW.category_id
      AND current_setting('aikademiya.moved_category', true) = OLD.category_id::text THEN
    OLD.category_id := NEW.category_id;
    IF OLD IS NOT DISTINCT FROM NEW THEN
      RETURN NULL;
    END IF;
  END IF;
  -- A rename of the author touches lists when he has a published course. One that is under way does not see this one yet: wait for
  -- it, and let it wait for us, by a new version of his row. Once a transaction will do: more would be a chain of dead versions.
  IF NEW.status = 'published' AND (OLD.status IS DISTINCT FROM NEW.status OR OLD.author_id IS DISTINCT FROM NEW.author_id) THEN
    UPDATE app_user SET name = name WHERE id = NEW.author_id AND xmin <> pg_current_xact_id()::xid;
  END IF;
  PERFORM cache_touch('course:' || OLD.id, 'course:' || NEW.id,
    cache_lists(OLD.status = 'published' OR NEW.status = 'published'));
  RETURN NULL;
END $$;

CREATE FUNCTION cache_move_courses(source integer, target integer, ids integer[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM cache_touch('categories', 'category:' || source);
  PERFORM set_config('aikademiya.moved_category', source::text, true);
  UPDATE course SET category_id = target FROM unnest(ids) AS moved (course_id) WHERE id = course_id AND category_id = source;
  PERFORM set_config('aikademiya.moved_category', '', true);
END $$;

-- As in the migration `any_writer`.
DO $$
DECLARE
  named regprocedure;
BEGIN
  FOR named IN
    SELECT oid FROM pg_proc WHERE pronamespace = current_schema()::regnamespace AND proname IN ('cache_touch_course', 'cache_move_courses')
  LOOP
    EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', named, current_schema());
  END LOOP;
END $$;
