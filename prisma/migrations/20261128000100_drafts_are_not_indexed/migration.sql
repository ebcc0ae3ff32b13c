-- The condition is inside of the subquery: as a condition of the join it was checked after the vectors of a draft had been
-- computed, at each of its chapters for all of them. A course of 10,000 chapters took longer than a statement may.
CREATE OR REPLACE FUNCTION search_fill(ids integer[]) RETURNS void LANGUAGE plpgsql AS $$
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
      WHERE course.status = 'published' OFFSET 0
    ) AS vector ON true
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
DO $$ BEGIN
  EXECUTE format('ALTER FUNCTION search_fill(integer[]) SET search_path = %I, pg_temp', current_schema());
END $$;
