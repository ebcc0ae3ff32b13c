-- The sessions that there are: a session is good while its row is here, so that one that was ended stays ended, whatever is in Redis. One
-- more tag: user:<id>:sessions, which sessions of a user are good. When they were last used touches nothing.
CREATE TABLE "user_session" (
    "id" SERIAL NOT NULL,
    "user_id" INTEGER NOT NULL,
    "epoch" INTEGER NOT NULL,
    "device" TEXT NOT NULL,
    "network" TEXT NOT NULL,
    "begun_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "last_used_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "user_session_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "user_session_user_id_last_used_at_idx" ON "user_session"("user_id", "last_used_at");
ALTER TABLE "user_session" ADD CONSTRAINT "user_session_user_id_fkey"
  FOREIGN KEY ("user_id") REFERENCES "app_user"("id") ON DELETE CASCADE ON UPDATE CASCADE;

CREATE FUNCTION cache_touch_session() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM cache_touch('user:' || COALESCE(NEW.user_id, OLD.user_id) || ':sessions');
  RETURN NULL;
END $$;

CREATE FUNCTION cache_touch_all_sessions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM cache_touch(VARIADIC ARRAY(SELECT DISTINCT 'user:' || user_id || ':sessions' FROM user_session));
  RETURN NULL;
END $$;

DO $$
DECLARE
  touch text;
BEGIN
  FOREACH touch IN ARRAY ARRAY['cache_touch_session', 'cache_touch_all_sessions'] LOOP
    EXECUTE format('ALTER FUNCTION %I() SET search_path = %I, pg_temp', touch, current_schema());
  END LOOP;
END $$;

CREATE TRIGGER cache_touch AFTER INSERT OR DELETE ON user_session FOR EACH ROW EXECUTE FUNCTION cache_touch_session();
CREATE TRIGGER cache_touch_truncate BEFORE TRUNCATE ON user_session FOR EACH STATEMENT EXECUTE FUNCTION cache_touch_all_sessions();
CREATE TRIGGER cache_truncate_guard BEFORE TRUNCATE ON user_session FOR EACH STATEMENT EXECUTE FUNCTION cache_truncate_guard();
