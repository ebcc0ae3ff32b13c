-- CreateTable
CREATE TABLE "cache_invalidation" (
    "id" BIGSERIAL NOT NULL,
    "xid" xid8 NOT NULL DEFAULT pg_current_xact_id(),
    "tag" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "applied_at" TIMESTAMPTZ(3),

    CONSTRAINT "cache_invalidation_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "cache_invalidation_applied_at_idx" ON "cache_invalidation"("applied_at");

-- CreateIndex
CREATE UNIQUE INDEX "cache_invalidation_xid_tag_key" ON "cache_invalidation"("xid", "tag");


-- Which rows touch which tags. This is the only place that knows: Prisma, raw SQL, cascades and psql all pass here.
--   course:<id>         the page of a course, its modules and chapters, the names of its category and author
--   courses             lists of courses: everything in them but the names of categories
--   categories          lists of categories, and the names of categories in lists of courses
--   user:<id>           the profile of a user
--   user:<id>:progress  what a user is enrolled in and has completed

-- A connection of the service hears of each new row in a notice, and applies it when its transaction has committed;
-- anybody else's transaction wakes the sweepers. Either way the row waits here until Redis knows.
CREATE FUNCTION cache_touch(VARIADIC tags text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  touched record;
  of_the_service boolean := current_setting('application_name') = 'ai-akademiya-api';
BEGIN
  FOR touched IN
    INSERT INTO cache_invalidation (tag)
      SELECT DISTINCT tag FROM unnest(tags) AS tag WHERE tag IS NOT NULL
      ON CONFLICT (xid, tag) DO NOTHING
      RETURNING id, cache_invalidation.tag
  LOOP
    IF of_the_service THEN
      RAISE INFO USING MESSAGE = 'cache_touch', DETAIL = touched.id || ' ' || touched.tag;
    END IF;
  END LOOP;
  IF NOT of_the_service THEN
    PERFORM pg_notify('cache_invalidation', '');
  END IF;
END $$;

CREATE FUNCTION cache_touch_course() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- A rename of the category or the author touches the courses that it sees. One that is under way does not see this
  -- course yet: wait for it, and let it wait for us.
  IF TG_OP = 'INSERT' OR (TG_OP = 'UPDATE' AND OLD.category_id IS DISTINCT FROM NEW.category_id) THEN
    PERFORM FROM category WHERE id = NEW.category_id FOR SHARE;
  END IF;
  IF TG_OP = 'INSERT' OR (TG_OP = 'UPDATE' AND OLD.author_id <> NEW.author_id) THEN
    PERFORM FROM app_user WHERE id = NEW.author_id FOR SHARE;
  END IF;
  PERFORM cache_touch('courses', 'course:' || OLD.id, 'course:' || NEW.id);
  RETURN NULL;
END $$;

-- A module or a chapter shows on the page of its course; a list shows how many there are.
CREATE FUNCTION cache_touch_course_part() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM cache_touch('course:' || OLD.course_id, 'course:' || NEW.course_id,
    CASE WHEN OLD.course_id IS DISTINCT FROM NEW.course_id THEN 'courses' END);
  RETURN NULL;
END $$;

CREATE FUNCTION cache_touch_category() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM cache_touch(VARIADIC ARRAY['categories'] || ARRAY(SELECT 'course:' || id FROM course WHERE category_id = NEW.id));
  RETURN NULL;
END $$;

CREATE FUNCTION cache_touch_user() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM cache_touch('user:' || OLD.id, 'user:' || NEW.id);
  IF TG_OP = 'UPDATE' AND OLD.name <> NEW.name THEN
    PERFORM cache_touch(VARIADIC ARRAY['courses'] || ARRAY(SELECT 'course:' || id FROM course WHERE author_id = NEW.id));
  END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION cache_touch_progress() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM cache_touch('user:' || OLD.user_id || ':progress', 'user:' || NEW.user_id || ':progress');
  RETURN NULL;
END $$;

-- Before a TRUNCATE the rows are still there to name their tags.
CREATE FUNCTION cache_touch_all() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM cache_touch(VARIADIC ARRAY['courses', 'categories']
    || ARRAY(SELECT 'course:' || id FROM course)
    || ARRAY(SELECT 'user:' || id FROM app_user)
    || ARRAY(SELECT 'user:' || id || ':progress' FROM app_user));
  RETURN NULL;
END $$;

DO $$
DECLARE
  name text;
  touch text;
BEGIN
  FOR name, touch IN VALUES
    ('course', 'cache_touch_course'),
    ('module', 'cache_touch_course_part'),
    ('chapter', 'cache_touch_course_part'),
    ('category', 'cache_touch_category'),
    ('app_user', 'cache_touch_user'),
    ('enrollment', 'cache_touch_progress'),
    ('chapter_completion', 'cache_touch_progress')
  LOOP
    EXECUTE format('CREATE TRIGGER cache_touch AFTER INSERT OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION %I()', name, touch);
    EXECUTE format('CREATE TRIGGER cache_touch_update AFTER UPDATE ON %I FOR EACH ROW
      WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION %I()', name, touch);
    EXECUTE format('CREATE TRIGGER cache_touch_truncate BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION cache_touch_all()', name);
  END LOOP;
END $$;
