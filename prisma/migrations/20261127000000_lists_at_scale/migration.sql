-- Lists and searches that cost the same with 100,000 courses (src/courses/course-lists.ts).

-- Both directions of an order are one index, as the id goes the same way as the date.
DROP INDEX "course_status_created_at_id_idx";
DROP INDEX "course_status_updated_at_id_idx";
DROP INDEX "course_category_id_idx";
DROP INDEX "course_author_id_idx";
CREATE INDEX "course_status_created_at_id_idx" ON "course"("status", "created_at", "id");
CREATE INDEX "course_status_updated_at_id_idx" ON "course"("status", "updated_at", "id");
CREATE INDEX "course_category_id_status_created_at_id_idx" ON "course"("category_id", "status", "created_at", "id");
CREATE INDEX "course_author_id_status_created_at_id_idx" ON "course"("author_id", "status", "created_at", "id");
CREATE INDEX "course_level_status_created_at_id_idx" ON "course"("level", "status", "created_at", "id");

-- What Prisma cannot express. Languages are compared in any case.
CREATE INDEX "course_language_idx" ON "course"(lower("language"), "status", "created_at", "id");

-- What a search looks into, in lower case. The cost makes the planner prefer an index to reading many courses, and is what
-- lower-casing a text of that length takes; in PL/pgSQL, as a function in SQL would be inlined, and lose it.
CREATE FUNCTION course_search_text(title text, summary text) RETURNS text IMMUTABLE STRICT COST 1000 LANGUAGE plpgsql AS $$
BEGIN
  RETURN pg_catalog.lower(title || pg_catalog.chr(10) || summary);
END $$;

-- Without the extension, which the role may not be allowed to create, or the server may not have, a search reads every published
-- course (docs/operations.md, Searches).
DO $$
DECLARE
  extension_schema text;
BEGIN
  CREATE EXTENSION IF NOT EXISTS pg_trgm;
  SELECT nspname INTO extension_schema FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace WHERE extname = 'pg_trgm';
  EXECUTE format('CREATE INDEX course_search_idx ON course USING gin (course_search_text(title, summary) %I.gin_trgm_ops)', extension_schema);
EXCEPTION WHEN OTHERS THEN
  RAISE NOTICE 'searches have no index, and read every course: %', SQLERRM;
END $$;
