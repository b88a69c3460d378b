-- Run by the image of PostgreSQL when its volume is empty: the role of the service, which owns its database and is no
-- superuser. It may create databases, because each test does. The port is available only on this machine.
CREATE ROLE app LOGIN CREATEDB PASSWORD 'app';
CREATE DATABASE app OWNER app;
