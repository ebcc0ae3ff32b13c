-- Titles of one language stand together: in the order of all titles, those of the other alphabet would be read first, tens of thousands.
CREATE INDEX "course_language_title_idx" ON "course"(lower("language"), "status", "title", "id");

-- The total of a list with several filters is counted in the index alone, which must have the column itself as well for that.
CREATE INDEX "course_filters_idx" ON "course"("status", lower("language"), "level", "category_id") INCLUDE ("language");

-- The same for pages far down, of which only the ids are read on the way.
DROP INDEX "course_language_idx";
CREATE INDEX "course_language_idx" ON "course"(lower("language"), "status", "created_at", "id") INCLUDE ("language");
