-- Letters to accounts: what waits to be sent, and whose tokens are still good. The token itself is kept nowhere: it is made when its letter
-- is sent. No tag of the cache depends on them.
CREATE TABLE "letter" (
    "id" SERIAL NOT NULL,
    "kind" TEXT NOT NULL,
    "user_id" INTEGER,
    "email" TEXT NOT NULL,
    "language" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "due_at" TIMESTAMPTZ(3) DEFAULT CURRENT_TIMESTAMP,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "digest" TEXT,
    "expires_at" TIMESTAMPTZ(3),

    CONSTRAINT "letter_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "letter_digest_key" ON "letter"("digest");
CREATE INDEX "letter_email_created_at_idx" ON "letter"("email", "created_at");
CREATE INDEX "letter_user_id_created_at_idx" ON "letter"("user_id", "created_at");
CREATE INDEX "letter_due_at_idx" ON "letter"("due_at");
ALTER TABLE "letter" ADD CONSTRAINT "letter_user_id_fkey"
  FOREIGN KEY ("user_id") REFERENCES "app_user"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "letter" ADD CONSTRAINT "letter_kind_check"
  CHECK ("kind" IN ('password_reset', 'email_verification', 'email_change', 'email_change_notice'));
ALTER TABLE "letter" ADD CONSTRAINT "letter_language_check" CHECK ("language" IN ('ru', 'en'));

-- Who has an account already has proved nothing yet.
ALTER TABLE "app_user" ADD COLUMN "email_verified_at" TIMESTAMPTZ(3);

-- A new password, however it came, cancels what was sent or waits: another new password, and a change of the address.
CREATE FUNCTION void_letters() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE letter SET digest = NULL, due_at = NULL WHERE user_id = NEW.id AND kind <> 'email_change_notice';
  RETURN NULL;
END $$;
DO $$
BEGIN
  EXECUTE format('ALTER FUNCTION void_letters() SET search_path = %I, pg_temp', current_schema());
END $$;
CREATE TRIGGER void_letters AFTER UPDATE OF password_hash ON app_user FOR EACH ROW
  WHEN (OLD.password_hash IS DISTINCT FROM NEW.password_hash) EXECUTE FUNCTION void_letters();
