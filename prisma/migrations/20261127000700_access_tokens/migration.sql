-- Personal access tokens. No tag of the cache depends on them: a token is looked up here at each request that brings it.
CREATE TABLE "access_token" (
    "id" SERIAL NOT NULL,
    "user_id" INTEGER NOT NULL,
    "name" TEXT NOT NULL,
    "prefix" TEXT NOT NULL,
    "digest" TEXT NOT NULL,
    "scopes" TEXT[] NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "last_used_at" TIMESTAMPTZ(3),

    CONSTRAINT "access_token_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "access_token_digest_key" ON "access_token"("digest");
CREATE INDEX "access_token_user_id_idx" ON "access_token"("user_id");
ALTER TABLE "access_token" ADD CONSTRAINT "access_token_user_id_fkey"
  FOREIGN KEY ("user_id") REFERENCES "app_user"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "access_token" ADD CONSTRAINT "access_token_scopes_check"
  CHECK (cardinality("scopes") > 0 AND "scopes" <@ ARRAY['read', 'write', 'generate', 'admin']);
