-- What the role of the servers may do with the tables of abstractor_owner, who runs this after every `abstractor migrate`; SECURITY.md says why.
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO abstractor;
-- what ends by itself
GRANT DELETE ON idempotency_key, used_assertion, client_key, own_record, sign_in_failure, sign_in_step TO abstractor;
-- the tables of the next migration too, so that servers that start before the next run of this file can use them
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE ON TABLES TO abstractor;
