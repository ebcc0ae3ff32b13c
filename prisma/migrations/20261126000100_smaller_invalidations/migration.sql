-- Which rows touch which tags. This is the only place that knows: Prisma, raw SQL, cascades and psql all pass here. (The tag
-- generation:<id> is in the migration `generation`.) What the public cannot see touches nothing that the public reads; a name
-- touches one tag, however many pages show it.
--   course:<id>         the page of a course, its modules and chapters, but for the names of others on it
--   courses             lists of published courses: everything in them but the names of categories
--   categories          lists of categories, and the names of categories in lists of courses
--   category:<id>       the name of a category on pages of courses
--   user:<id>           the profile of a user
--   user:<id>:name      the name of a user on pages of courses
--   user:<id>:progress  what a user is enrolled in and has completed
--
-- A transaction decides by what it sees whether lists show what it changes. It must see, or be seen by, every other one that
-- puts a course into lists or takes it out of them:
--   - One that puts it there and has not committed is waited for, and waits for us, at the row that both write or lock. A
--     row lock alone would not do at repeatable read: only a new version of the row makes that fail which has an older snapshot.
--   - One that took it out and has committed may not have reached Redis: lists that show it are still valid until it has, and
--     its row in the outbox is not applied until then.

-- For the second: lists that are valid may still show what was taken out of them.
CREATE INDEX "cache_invalidation_pending_lists_idx" ON "cache_invalidation"("id") WHERE "tag" = 'courses' AND "applied_at" IS NULL;

-- The tag `courses` where lists show what is changed, or may still do so, else null.
CREATE FUNCTION cache_lists(shown boolean) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  IF shown THEN
    RETURN 'courses';
  END IF;
  IF EXISTS (SELECT FROM cache_invalidation WHERE tag = 'courses' AND applied_at IS NULL) THEN
    RETURN 'courses';
  END IF;
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION cache_touch_course() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- A rename of the author touches lists when he has a published course. One that is under way does not see this one yet: wait for
  -- it, and let it wait for us, by a new version of his row. Once a transaction will do: more would be a chain of dead versions.
  IF NEW.status = 'published' AND (OLD.status IS DISTINCT FROM NEW.status OR OLD.author_id IS DISTINCT FROM NEW.author_id) THEN
    UPDATE app_user SET name = name WHERE id = NEW.author_id AND xmin <> pg_current_xact_id()::xid;
  END IF;
  PERFORM cache_touch('course:' || OLD.id, 'course:' || NEW.id,
    cache_lists(OLD.status = 'published' OR NEW.status = 'published'));
  RETURN NULL;
END $$;

-- A module or a chapter shows on the page of its course; a list shows how many there are.
CREATE OR REPLACE FUNCTION cache_touch_course_part() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  lists text;
BEGIN
  IF OLD.course_id IS DISTINCT FROM NEW.course_id THEN
    -- Locked, so that a publication under way is waited for, and waits for us; not FOR SHARE, which two may have, and then wait
    -- for each other when both go on to change the course. One that is deleted with its parts has touched the lists itself.
    lists := cache_lists((SELECT bool_or(status = 'published') FROM (
      SELECT status FROM course WHERE id IN (OLD.course_id, NEW.course_id) ORDER BY id FOR NO KEY UPDATE) AS locked));
  END IF;
  PERFORM cache_touch('course:' || OLD.course_id, 'course:' || NEW.course_id, lists);
  RETURN NULL;
END $$;

-- No lock: a page that comes into the category depends on the category from then on, and lists on all of them.
CREATE OR REPLACE FUNCTION cache_touch_category() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM cache_touch('categories',
    CASE WHEN (OLD.id, OLD.slug, OLD.name) IS DISTINCT FROM (NEW.id, NEW.slug, NEW.name) THEN 'category:' || OLD.id END);
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION cache_touch_user() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  lists text;
BEGIN
  -- Who is new has no courses, and who is deleted has none any more: they have touched the lists themselves.
  IF TG_OP = 'UPDATE' AND OLD.name IS DISTINCT FROM NEW.name THEN
    lists := cache_lists(EXISTS (SELECT FROM course WHERE author_id = NEW.id AND status = 'published'));
  END IF;
  PERFORM cache_touch('user:' || OLD.id, 'user:' || NEW.id, lists,
    CASE WHEN (OLD.id, OLD.name) IS DISTINCT FROM (NEW.id, NEW.name) THEN 'user:' || OLD.id || ':name' END);
  RETURN NULL;
END $$;

-- Before a TRUNCATE the rows are still there to name their tags.
CREATE OR REPLACE FUNCTION cache_touch_all() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM cache_touch(VARIADIC ARRAY['courses', 'categories']
    || ARRAY(SELECT 'course:' || id FROM course)
    || ARRAY(SELECT 'category:' || id FROM category)
    || ARRAY(SELECT unnest(ARRAY['user:' || id, 'user:' || id || ':name', 'user:' || id || ':progress']) FROM app_user));
  RETURN NULL;
END $$;
