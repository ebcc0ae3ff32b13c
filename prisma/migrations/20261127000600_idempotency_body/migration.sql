-- Tells a repeated request from another one with the same idempotency key. The rows that are there have none: nobody kept their request.
alter table generation_job add column request_hash text;
