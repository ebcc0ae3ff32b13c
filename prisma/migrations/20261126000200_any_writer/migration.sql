-- Whoever may write a row invalidates what shows it, from wherever: the functions of the triggers find their tables whatever
-- the search path of the writer is, and write the outbox with the rights of their owner.
DO $$
DECLARE
  touch regprocedure;
BEGIN
  FOR touch IN
    SELECT oid FROM pg_proc WHERE pronamespace = current_schema()::regnamespace AND proname LIKE 'cache\_%'
  LOOP
    EXECUTE format('ALTER FUNCTION %s SECURITY DEFINER SET search_path = %I, pg_temp', touch, current_schema());
  END LOOP;
END $$;
