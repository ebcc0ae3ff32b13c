-- CreateEnum
CREATE TYPE "role" AS ENUM ('student', 'author', 'admin');

-- CreateEnum
CREATE TYPE "level" AS ENUM ('beginner', 'intermediate', 'advanced');

-- CreateEnum
CREATE TYPE "course_status" AS ENUM ('draft', 'published');

-- CreateEnum
CREATE TYPE "generation_status" AS ENUM ('queued', 'running', 'completed', 'failed', 'cancelled');

-- CreateEnum
CREATE TYPE "generation_stage" AS ENUM ('queued', 'outline', 'chapters', 'saving', 'done');

-- CreateTable
CREATE TABLE "app_user" (
    "id" SERIAL NOT NULL,
    "email" TEXT NOT NULL,
    "password_hash" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "bio" TEXT NOT NULL DEFAULT '',
    "avatar_url" TEXT,
    "role" "role" NOT NULL DEFAULT 'student',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "app_user_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "category" (
    "id" SERIAL NOT NULL,
    "slug" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT NOT NULL DEFAULT '',

    CONSTRAINT "category_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "course" (
    "id" SERIAL NOT NULL,
    "slug" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "summary" TEXT NOT NULL,
    "description" TEXT NOT NULL DEFAULT '',
    "level" "level" NOT NULL,
    "language" TEXT NOT NULL,
    "status" "course_status" NOT NULL DEFAULT 'draft',
    "category_id" INTEGER,
    "author_id" INTEGER NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "course_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "module" (
    "id" SERIAL NOT NULL,
    "course_id" INTEGER NOT NULL,
    "title" TEXT NOT NULL,
    "summary" TEXT NOT NULL DEFAULT '',
    "position" INTEGER NOT NULL,

    CONSTRAINT "module_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "chapter" (
    "id" SERIAL NOT NULL,
    "course_id" INTEGER NOT NULL,
    "module_id" INTEGER NOT NULL,
    "title" TEXT NOT NULL,
    "content" TEXT NOT NULL,
    "minutes" INTEGER NOT NULL DEFAULT 10,
    "position" INTEGER NOT NULL,

    CONSTRAINT "chapter_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "enrollment" (
    "user_id" INTEGER NOT NULL,
    "course_id" INTEGER NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "enrollment_pkey" PRIMARY KEY ("user_id","course_id")
);

-- CreateTable
CREATE TABLE "chapter_completion" (
    "user_id" INTEGER NOT NULL,
    "course_id" INTEGER NOT NULL,
    "chapter_id" INTEGER NOT NULL,
    "completed_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "chapter_completion_pkey" PRIMARY KEY ("user_id","chapter_id")
);

-- CreateTable
CREATE TABLE "generation_job" (
    "id" UUID NOT NULL,
    "user_id" INTEGER NOT NULL,
    "category_id" INTEGER,
    "course_id" INTEGER,
    "status" "generation_status" NOT NULL DEFAULT 'queued',
    "stage" "generation_stage" NOT NULL DEFAULT 'queued',
    "topic" TEXT NOT NULL,
    "audience" TEXT,
    "level" "level" NOT NULL,
    "language" TEXT NOT NULL,
    "module_count" INTEGER NOT NULL,
    "chapters_per_module" INTEGER NOT NULL,
    "idempotency_key" TEXT,
    "outline" JSONB,
    "error" TEXT,
    "prompt_tokens" INTEGER NOT NULL DEFAULT 0,
    "completion_tokens" INTEGER NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "generation_job_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "generation_checkpoint" (
    "job_id" UUID NOT NULL,
    "module_position" INTEGER NOT NULL,
    "chapter_position" INTEGER NOT NULL,
    "title" TEXT NOT NULL,
    "content" TEXT NOT NULL,
    "minutes" INTEGER NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "generation_checkpoint_pkey" PRIMARY KEY ("job_id","module_position","chapter_position")
);

-- CreateIndex
CREATE UNIQUE INDEX "app_user_email_key" ON "app_user"("email");

-- CreateIndex
CREATE UNIQUE INDEX "category_slug_key" ON "category"("slug");

-- CreateIndex
CREATE UNIQUE INDEX "course_slug_key" ON "course"("slug");

-- CreateIndex
CREATE INDEX "course_status_created_at_id_idx" ON "course"("status", "created_at" DESC, "id");

-- CreateIndex
CREATE INDEX "course_status_updated_at_id_idx" ON "course"("status", "updated_at" DESC, "id");

-- CreateIndex
CREATE INDEX "course_status_title_id_idx" ON "course"("status", "title", "id");

-- CreateIndex
CREATE INDEX "course_category_id_idx" ON "course"("category_id");

-- CreateIndex
CREATE INDEX "course_author_id_idx" ON "course"("author_id");

-- CreateIndex
CREATE UNIQUE INDEX "module_id_course_id_key" ON "module"("id", "course_id");

-- CreateIndex
CREATE INDEX "chapter_course_id_idx" ON "chapter"("course_id");

-- CreateIndex
CREATE UNIQUE INDEX "chapter_id_course_id_key" ON "chapter"("id", "course_id");

-- CreateIndex
CREATE INDEX "enrollment_course_id_idx" ON "enrollment"("course_id");

-- CreateIndex
CREATE INDEX "chapter_completion_user_id_course_id_idx" ON "chapter_completion"("user_id", "course_id");

-- CreateIndex
CREATE INDEX "chapter_completion_chapter_id_idx" ON "chapter_completion"("chapter_id");

-- CreateIndex
CREATE UNIQUE INDEX "generation_job_course_id_key" ON "generation_job"("course_id");

-- CreateIndex
CREATE INDEX "generation_job_user_id_created_at_idx" ON "generation_job"("user_id", "created_at" DESC);

-- CreateIndex
CREATE INDEX "generation_job_status_idx" ON "generation_job"("status");

-- CreateIndex
CREATE UNIQUE INDEX "generation_job_user_id_idempotency_key_key" ON "generation_job"("user_id", "idempotency_key");

-- AddForeignKey
ALTER TABLE "course" ADD CONSTRAINT "course_category_id_fkey" FOREIGN KEY ("category_id") REFERENCES "category"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "course" ADD CONSTRAINT "course_author_id_fkey" FOREIGN KEY ("author_id") REFERENCES "app_user"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "module" ADD CONSTRAINT "module_course_id_fkey" FOREIGN KEY ("course_id") REFERENCES "course"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "chapter" ADD CONSTRAINT "chapter_course_id_fkey" FOREIGN KEY ("course_id") REFERENCES "course"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "chapter" ADD CONSTRAINT "chapter_module_id_course_id_fkey" FOREIGN KEY ("module_id", "course_id") REFERENCES "module"("id", "course_id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "enrollment" ADD CONSTRAINT "enrollment_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "app_user"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "enrollment" ADD CONSTRAINT "enrollment_course_id_fkey" FOREIGN KEY ("course_id") REFERENCES "course"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "chapter_completion" ADD CONSTRAINT "chapter_completion_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "app_user"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "chapter_completion" ADD CONSTRAINT "chapter_completion_course_id_fkey" FOREIGN KEY ("course_id") REFERENCES "course"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "chapter_completion" ADD CONSTRAINT "chapter_completion_user_id_course_id_fkey" FOREIGN KEY ("user_id", "course_id") REFERENCES "enrollment"("user_id", "course_id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "chapter_completion" ADD CONSTRAINT "chapter_completion_chapter_id_course_id_fkey" FOREIGN KEY ("chapter_id", "course_id") REFERENCES "chapter"("id", "course_id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "generation_job" ADD CONSTRAINT "generation_job_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "app_user"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "generation_job" ADD CONSTRAINT "generation_job_category_id_fkey" FOREIGN KEY ("category_id") REFERENCES "category"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "generation_job" ADD CONSTRAINT "generation_job_course_id_fkey" FOREIGN KEY ("course_id") REFERENCES "course"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "generation_checkpoint" ADD CONSTRAINT "generation_checkpoint_job_id_fkey" FOREIGN KEY ("job_id") REFERENCES "generation_job"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- What Prisma cannot express. Positions are unique, but checked at commit where a transaction asks for it,
-- so that a reorder may swap two of them.
ALTER TABLE "module" ADD CONSTRAINT "module_course_id_position_key" UNIQUE ("course_id", "position") DEFERRABLE INITIALLY IMMEDIATE;
ALTER TABLE "chapter" ADD CONSTRAINT "chapter_module_id_position_key" UNIQUE ("module_id", "position") DEFERRABLE INITIALLY IMMEDIATE;

ALTER TABLE "module" ADD CONSTRAINT "module_position_check" CHECK ("position" >= 1);
ALTER TABLE "chapter" ADD CONSTRAINT "chapter_position_check" CHECK ("position" >= 1);
ALTER TABLE "chapter" ADD CONSTRAINT "chapter_minutes_check" CHECK ("minutes" BETWEEN 1 AND 600);
ALTER TABLE "app_user" ADD CONSTRAINT "app_user_email_check" CHECK ("email" = lower("email"));
ALTER TABLE "generation_job" ADD CONSTRAINT "generation_job_size_check"
  CHECK ("module_count" BETWEEN 1 AND 12 AND "chapters_per_module" BETWEEN 1 AND 10);
