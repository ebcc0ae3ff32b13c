-- What the promise needs where it is not alone: behind a pooler, in a schema of its own, beside another Redis.

-- AlterTable: the sweepers read the rows that wait in their order, however many there are.
DROP INDEX "cache_invalidation_applied_at_idx";
CREATE INDEX "cache_invalidation_applied_at_id_idx" ON "cache_invalidation"("applied_at", "id");

-- CreateTable: where the cache of this database is. One row.
CREATE TABLE "cache_store" (
    "only" BOOLEAN NOT NULL DEFAULT true,
    "database_id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "store_id" TEXT,
    "key_prefix" TEXT,
    "seen_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "cache_store_pkey" PRIMARY KEY ("only")
);
ALTER TABLE "cache_store" ADD CONSTRAINT "cache_store_only_check" CHECK ("only");
INSERT INTO "cache_store" DEFAULT VALUES;

-- Whether a statement is the service's is in the statement, in the comment that it begins with (src/db/commits.ts):
-- poolers change the name of an application, its parameters and its session, and let the text of a statement alone.
CREATE OR REPLACE FUNCTION cache_touch(VARIADIC tags text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  touched record;
  of_the_service boolean := position('/* ai-akademiya-api */' IN current_query()) > 0;
BEGIN
  FOR touched IN
    INSERT INTO cache_invalidation (tag)
      SELECT DISTINCT tag FROM unnest(tags) AS tag WHERE tag IS NOT NULL
      -- Once a transaction. An applied row under this number is one of another cluster, which a restored dump has brought.
      ON CONFLICT (xid, tag) DO UPDATE SET created_at = clock_timestamp(), applied_at = NULL
        WHERE cache_invalidation.applied_at IS NOT NULL
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
