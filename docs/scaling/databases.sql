-- Run once, as the superuser of the PostgreSQL server (15 or later); passwords as in prefect-server.env and mfn.env.
-- pg_trgm, which Prefect creates on its own, comes with Debian's postgresql package and with the postgres image.
CREATE ROLE prefect LOGIN PASSWORD 'CHANGE-ME';
CREATE ROLE mfn LOGIN PASSWORD 'CHANGE-ME';
CREATE DATABASE prefect OWNER prefect;
CREATE DATABASE ledger OWNER mfn;
