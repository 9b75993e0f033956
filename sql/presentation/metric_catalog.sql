-- presentation.metric_catalog: what each published metric says, from the header of its file. Written by load-redshift together
-- with the numbers.
create table if not exists presentation.metric_catalog (
    metric varchar(128) not null,
    title varchar(256) not null,
    description varchar(1024) not null,
    grain varchar(1024) not null,
    unit varchar(256) not null,
    reads varchar(4096) not null,
    sql_sha256 varchar(64) not null,
    primary key (metric)
)
diststyle all;
