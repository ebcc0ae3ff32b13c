-- The latest enrollments, among which the most popular courses are looked for.
CREATE INDEX "enrollment_created_at_idx" ON "enrollment"("created_at");

-- PostgreSQL estimates how many rows each index has: of this one, how many courses are published (src/database/counts.ts).
CREATE INDEX "course_published_idx" ON "course"("id") WHERE "status" = 'published';
