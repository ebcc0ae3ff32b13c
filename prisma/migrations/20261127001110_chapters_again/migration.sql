-- A generation may write one chapter of a course again. The digest says what the chapter was when that was asked for, and that it was
-- asked for, also after the chapter is gone.
ALTER TABLE "generation_job" ADD COLUMN "chapter_id" INTEGER, ADD COLUMN "chapter_digest" TEXT;
ALTER TABLE "generation_job" ADD CONSTRAINT "generation_job_chapter_id_fkey"
  FOREIGN KEY ("chapter_id") REFERENCES "chapter"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- A chapter that is deleted is looked for here.
CREATE INDEX "generation_job_chapter_id_idx" ON "generation_job"("chapter_id");
