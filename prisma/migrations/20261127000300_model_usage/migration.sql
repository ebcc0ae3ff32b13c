-- The budget of questions to the model: how many were asked, an hour (UTC) a row.
CREATE TABLE "model_usage" (
    "hour" TIMESTAMPTZ(3) NOT NULL,
    "questions" INTEGER NOT NULL,

    CONSTRAINT "model_usage_pkey" PRIMARY KEY ("hour")
);
