-- Courses that are there already are filled in afterwards, in portions, each a transaction of its own (src/database/search-fill.ts): nobody
-- waits for the whole. What searches looked into before, "search_text" with its index, stays for the processes of the version before this
-- one, which go on while this is applied; a later release drops it.

-- What a search looks into (src/courses/search/): a row for each published course. It is a table of its own, so that lists read no vectors,
-- and a chapter that changes writes nothing to its course. Triggers keep it in the transaction that writes, whoever writes. What a search
-- filters by is here too: it reads a thousand courses at most, but tens of thousands of these rows.
CREATE TABLE "course_search" (
    "course_id" INTEGER NOT NULL,
    "level" "level" NOT NULL,
    "language" TEXT NOT NULL,
    "category_id" INTEGER,
    "author_id" INTEGER NOT NULL,
    "title" tsvector,
    "document" tsvector,

    CONSTRAINT "course_search_pkey" PRIMARY KEY ("course_id")
);

-- A search that ranks documents reads them whole: unpacking them would cost more than reading them.
ALTER TABLE "course_search" ALTER COLUMN "document" SET STORAGE EXTERNAL;

-- The words of titles and summaries, among which those are looked for that a misspelt word may mean. One that no course has any more stays, and
-- two transactions may write the same: so nobody waits for another. There are half a million at most, about 100 MB with their indexes.
CREATE TABLE "search_word" (
    "id" BIGSERIAL NOT NULL,
    "word" TEXT NOT NULL,

    CONSTRAINT "search_word_pkey" PRIMARY KEY ("id")
);

-- Of a language. The Russian one stems English words too.
CREATE FUNCTION search_configuration(language text) RETURNS regconfig IMMUTABLE LANGUAGE sql AS $$
  SELECT CASE
    WHEN lower(split_part(language, '-', 1)) IN ('ru', 'rus') THEN 'pg_catalog.russian'::regconfig
    WHEN lower(split_part(language, '-', 1)) IN ('en', 'eng') THEN 'pg_catalog.english'::regconfig
    ELSE 'pg_catalog.simple'::regconfig END
$$;

-- Text as it is cut into words: composed letters, ё as е, and none of the signs of which the parser would make hosts, paths, compounds and tags:
-- Node.js, CI/CD, List<String>. .NET is a word where it begins with the point, or is in capitals (ASP.NET): not in self.net. Of e-mail there
-- is email, too. What is searched for is made the same (src/courses/search/words.ts).
CREATE FUNCTION search_text(text text) RETURNS text IMMUTABLE LANGUAGE sql AS $$
  SELECT translate(
    regexp_replace(
      regexp_replace(
        regexp_replace(
          replace(replace(replace(replace(replace(CASE WHEN text IS NFC NORMALIZED THEN text ELSE normalize(text, NFC) END,
            'C++', 'cplusplus '), 'c++', 'cplusplus '), 'C#', 'csharp '), 'c#', 'csharp '), 'F#', 'fsharp '),
          '\.NET(\M|[0-9])', ' dotnet net \1', 'g'),
        '(^|[^[:alnum:]_)\]]|\m(?:[aA]sp|[vV]b|[aA]do))\.[nN]et(\M|[0-9])', '\1 dotnet net \2', 'g'),
      '([[:alpha:]][[:alnum:]]*)[-‑]([[:alnum:]]+)', '\1 \2 \1\2', 'g'),
    'ёЁ./<&-_', 'еЕ      ')
$$;

-- The words of such a text. Those of one and two letters are found as they are, and are no form of another: ИИ is not и, nor ОС the stem of
-- осы. So they get a mark, with which no stemmer touches them. Those that say nothing are left out, but for those in capitals, as IT, and ПО,
-- that stand not among words in capitals: these have a mark of their own. No looking around in these expressions, which would take ten times
-- as long.
CREATE FUNCTION search_vector(configuration regconfig, text text) RETURNS tsvector IMMUTABLE LANGUAGE sql AS $$
  SELECT ts_delete(
    to_tsvector(configuration, regexp_replace(
      regexp_replace(text, '(^|[^A-ZА-Я] |[^ [:alnum:]])([A-ZА-Я]{2,3})\M', '\1\2 \200', 'g'),
      '\m([A-Za-zА-Яа-я]{1,2})\M', '\102', 'g')),
    CASE configuration
      WHEN 'pg_catalog.russian'::regconfig THEN '{и02,в02,во02,не02,на02,я02,с02,со02,а02,то02,он02,но02,да02,ты02,к02,у02,же02,вы02,за02,бы02,по02,ее02,о02,
        из02,ей02,до02,ни02,уж02,ли02,ну02,мы02,их02,от02,об02,им02,ж02,i02,me02,my02,we02,he02,it02,am02,is02,be02,do02,a02,an02,if02,or02,as02,of02,at02,by02,
        to02,in02,up02,on02,no02,so02,s02,t02}'::text[]
      WHEN 'pg_catalog.english'::regconfig THEN '{i02,me02,my02,we02,he02,it02,am02,is02,be02,do02,a02,an02,if02,or02,as02,of02,at02,by02,to02,in02,up02,on02,no02,
        so02,s02,t02}'::text[]
      ELSE '{}' END)
$$;

-- Each word as it is written, with a mark of its own, so that it is no stem of another.
CREATE FUNCTION search_as_written(text text) RETURNS text IMMUTABLE LANGUAGE sql AS $$
  SELECT regexp_replace(text, '([[:alnum:]]+)', '\101', 'g')
$$;

-- Titles and text of the parts of a course, from each chapter the beginning: the more chapters, the less. A tsvector has at most 1 MB. No join:
-- in a transaction that has just written very many, PostgreSQL does not know how few a course has, and would read all modules.
CREATE FUNCTION search_parts(course integer) RETURNS text STABLE LANGUAGE sql AS $$
  SELECT left(string_agg(text, ' ' ORDER BY module, chapter), 120000) FROM (
    SELECT position AS module, 0 AS chapter, left(title, 200) || ' ' || left(summary, 500) AS text
    FROM module WHERE course_id = course
    UNION ALL
    SELECT (SELECT position FROM module WHERE id = chapter.module_id), position,
      left(title, 200) || ' ' || left(content, (100000 / count(*) OVER ())::int)
    FROM chapter WHERE course_id = course) AS part
$$;

-- The weights are A for the title, B for the summary, C for the description; what has no positions, the parts, counts as D. Titles have their
-- words as they are written, too: they are found while somebody types them, and where nothing else was looked for, as "the".
CREATE FUNCTION search_fill(ids integer[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO course_search AS kept (course_id, level, language, category_id, author_id, title, document)
    SELECT course.id, course.level, lower(course.language), course.category_id, course.author_id, vector.title,
      vector.title || vector.summary || vector.description || vector.parts
    FROM (SELECT DISTINCT unnest(ids) AS id) AS wanted JOIN course USING (id)
    LEFT JOIN LATERAL (
      SELECT setweight(search_vector(configuration, title)
          || to_tsvector('pg_catalog.simple', search_as_written(title)), 'A') AS title,
        setweight(search_vector(configuration, search_text(left(course.summary, 2000))), 'B') AS summary,
        setweight(search_vector(configuration, search_text(left(course.description, 20000))), 'C') AS description,
        strip(search_vector(configuration, search_text(coalesce(search_parts(course.id), '')))) AS parts
      FROM (SELECT search_configuration(course.language) AS configuration, search_text(left(course.title, 1000)) AS title) AS input
      OFFSET 0
    ) AS vector ON course.status = 'published'
  ON CONFLICT (course_id) DO UPDATE SET (level, language, category_id, author_id, title, document) =
    (excluded.level, excluded.language, excluded.category_id, excluded.author_id, excluded.title, excluded.document);
  WITH token AS MATERIALIZED (
    SELECT DISTINCT lower(token) AS word
    FROM (SELECT DISTINCT unnest(ids) AS id) AS wanted JOIN course USING (id),
      ts_parse('default', search_text(left(title, 1000) || ' ' || left(summary, 2000))) AS parsed
    -- Of ASCII letters, and of letters.
    WHERE status = 'published' AND tokid IN (1, 2) AND length(token) BETWEEN 3 AND 40)
  INSERT INTO search_word (word) SELECT word FROM token WHERE NOT EXISTS (SELECT FROM search_word WHERE search_word.word = token.word)
    -- Whoever changes titles all day fills no disk.
    AND (SELECT coalesce(max(id), 0) FROM search_word) < 500000;
END $$;

-- All who write of a course wait for each other at its row, and then see what the others have written; with an older snapshot, which would not
-- see it, they fail at the row of the search, of which each makes a new version: a draft has one too, without vectors.
CREATE FUNCTION search_refresh(ids integer[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM course WHERE id IN (SELECT unnest(ids)) ORDER BY id FOR NO KEY UPDATE;
  PERFORM search_fill(ids);
END $$;

CREATE FUNCTION search_course() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  ids integer[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    ids := ARRAY(SELECT id FROM new_rows WHERE status = 'published');
  ELSE
    ids := ARRAY(
      SELECT now.id FROM new_rows AS now LEFT JOIN old_rows AS before USING (id)
      WHERE 'published' IN (now.status, before.status)
        AND (now.status, now.title, now.summary, now.description, now.language)
          IS DISTINCT FROM (before.status, before.title, before.summary, before.description, before.language));
    -- What is no text costs none to be read again: a category may have many courses.
    UPDATE course_search AS kept SET (level, category_id, author_id) = (now.level, now.category_id, now.author_id)
      FROM new_rows AS now
      WHERE kept.course_id = now.id
        AND (kept.level, kept.category_id, kept.author_id) IS DISTINCT FROM (now.level, now.category_id, now.author_id);
  END IF;
  IF ids <> '{}' THEN
    PERFORM search_refresh(ids);
  END IF;
  RETURN NULL;
END $$;

-- A part that comes or goes touches the lists, and searches with them (cache_touch_course_part); one that has another text touches searches.
CREATE FUNCTION search_course_part() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  ids integer[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    ids := ARRAY(SELECT DISTINCT course_id FROM new_rows);
  ELSIF TG_OP = 'DELETE' THEN
    ids := ARRAY(SELECT DISTINCT course_id FROM old_rows);
  ELSIF TG_OP = 'TRUNCATE' THEN
    ids := ARRAY(SELECT id FROM course WHERE status = 'published');
  ELSIF TG_TABLE_NAME = 'module' THEN
    ids := ARRAY(SELECT DISTINCT unnest(ARRAY[now.course_id, before.course_id])
      FROM new_rows AS now FULL JOIN old_rows AS before USING (id)
      WHERE (now.course_id, now.title, now.summary) IS DISTINCT FROM (before.course_id, before.title, before.summary));
  ELSE
    ids := ARRAY(SELECT DISTINCT unnest(ARRAY[now.course_id, before.course_id])
      FROM new_rows AS now FULL JOIN old_rows AS before USING (id)
      WHERE (now.course_id, now.title, now.content) IS DISTINCT FROM (before.course_id, before.title, before.content));
  END IF;
  IF ids = '{}' THEN
    RETURN NULL;
  END IF;
  PERFORM search_refresh(ids);
  IF TG_OP = 'UPDATE' AND cache_lists(EXISTS (
      SELECT FROM course JOIN unnest(ids) AS id USING (id) WHERE status = 'published')) IS NOT NULL THEN
    PERFORM cache_touch('search');
  END IF;
  RETURN NULL;
END $$;

-- In the order in which the service writes them, so that no writer and this wait for each other. All that follows takes a moment.
LOCK TABLE "course", "module", "chapter" IN SHARE ROW EXCLUSIVE MODE;

-- As in the migration `any_writer`.
DO $$
DECLARE
  name text;
  named regprocedure;
BEGIN
  FOR named IN
    SELECT oid FROM pg_proc WHERE pronamespace = current_schema()::regnamespace
      AND proname IN ('search_parts', 'search_fill', 'search_refresh', 'search_course', 'search_course_part')
  LOOP
    EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', named, current_schema());
  END LOOP;

  FOREACH name IN ARRAY ARRAY['module', 'chapter'] LOOP
    EXECUTE format('CREATE TRIGGER search_insert AFTER INSERT ON %I REFERENCING NEW TABLE AS new_rows
      FOR EACH STATEMENT EXECUTE FUNCTION search_course_part()', name);
    EXECUTE format('CREATE TRIGGER search_update AFTER UPDATE ON %I REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
      FOR EACH STATEMENT EXECUTE FUNCTION search_course_part()', name);
    EXECUTE format('CREATE TRIGGER search_delete AFTER DELETE ON %I REFERENCING OLD TABLE AS old_rows
      FOR EACH STATEMENT EXECUTE FUNCTION search_course_part()', name);
    EXECUTE format('CREATE TRIGGER search_truncate AFTER TRUNCATE ON %I
      FOR EACH STATEMENT EXECUTE FUNCTION search_course_part()', name);
  END LOOP;
END $$;
CREATE TRIGGER search_insert AFTER INSERT ON course REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION search_course();
CREATE TRIGGER search_update AFTER UPDATE ON course REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION search_course();

ALTER TABLE "course_search" ADD CONSTRAINT "course_search_course_id_fkey" FOREIGN KEY ("course_id") REFERENCES "course"("id") ON DELETE CASCADE ON UPDATE CASCADE;
CREATE INDEX "search_word_word_idx" ON "search_word"("word");
-- What is written waits in a list until it is sorted in, and each search reads that list: a short one.
CREATE INDEX "course_search_title_idx" ON "course_search" USING gin ("title") WITH (gin_pending_list_limit = 256);
CREATE INDEX "course_search_document_idx" ON "course_search" USING gin ("document") WITH (gin_pending_list_limit = 1024);

-- Without the extension, which the role may not be allowed to create, or the server may not have, fewer misspelt words are understood
-- (docs/operations.md, Searches).
DO $$
DECLARE
  extension_schema text;
BEGIN
  CREATE EXTENSION IF NOT EXISTS pg_trgm;
  SELECT nspname INTO extension_schema FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace WHERE extname = 'pg_trgm';
  EXECUTE format('CREATE INDEX search_word_similar_idx ON search_word USING gin (word %I.gin_trgm_ops)', extension_schema);
EXCEPTION WHEN OTHERS THEN
  RAISE NOTICE 'searches understand fewer misspelt words: %', SQLERRM;
END $$;
