-- Why a generation has failed, or was cancelled, for programs: its words for people are made of it (`failures.ts`). Rows of before have
-- words only.
ALTER TABLE "generation_job" ADD COLUMN "error_code" TEXT;
