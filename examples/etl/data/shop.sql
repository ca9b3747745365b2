-- The shop's database, as far as the load reads it: for PostgreSQL on AWS and for SQLite here.

-- What a unit of a currency is worth, in millionths of a euro.
CREATE TABLE rates (currency TEXT PRIMARY KEY, euro_millionths BIGINT NOT NULL);
INSERT INTO rates VALUES ('EUR', 1000000), ('USD', 920000), ('GBP', 1170000), ('CNY', 128000);

-- What the shop itself has booked each day: how many orders, and what they come to.
CREATE TABLE days (day TEXT PRIMARY KEY, orders BIGINT NOT NULL, euro_cents BIGINT NOT NULL);
INSERT INTO days VALUES ('2026-11-26', 500, 8068797), ('2026-11-27', 500, 7955088), ('2026-11-28', 500, 7429510);
