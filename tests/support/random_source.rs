//! Source tables of random shape that change at random. All that happens follows from one number, and is written down.

use super::{Pipeline, cloud};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use sqlx::{Executor as _, MySqlPool, mysql::MySqlPoolOptions};
use std::{fs, path::Path};

/// The tables as they stand and all statements so far.
pub(crate) struct RandomSource {
    random: StdRng,
    pub(crate) pool: MySqlPool,
    log: Vec<String>,
}

struct Table {
    name: &'static str,
    /// The column that places a row in a chunk; the first of the columns.
    columns: &'static [Column],
}

struct Column {
    name: &'static str,
    /// All types that the contract takes and that hold what `value` makes, more or less.
    types: &'static [&'static str],
    is_optional: bool,
    value: fn(&mut StdRng) -> String,
}

const fn column(name: &'static str, types: &'static [&'static str], value: fn(&mut StdRng) -> String) -> Column {
    Column { name, types, is_optional: false, value }
}

const fn optional(name: &'static str, types: &'static [&'static str], value: fn(&mut StdRng) -> String) -> Column {
    Column { is_optional: true, ..column(name, types, value) }
}

const KEY: &[&str] = &["bigint", "bigint unsigned", "bigint not null"];
const NUMBER: &[&str] = &["bigint", "int", "int unsigned", "mediumint"];
const FLAG: &[&str] = &["tinyint(1)", "bit(1)"];
const DAY: &[&str] = &["date", "datetime"];
const TIME: &[&str] = &["datetime", "datetime(6)", "timestamp", "timestamp(6)"];
const DAY_OR_TIME: &[&str] = &["date", "datetime", "datetime(3)", "timestamp"];
const MONEY: &[&str] = &["decimal(10,2)", "decimal(12,2)", "decimal(14,3)", "int"];
const TEXT: &[&str] = &["varchar(2000)", "text", "mediumtext"];

const TABLES: [Table; 4] = [
    Table {
        name: "apartments",
        columns: &[
            column("id", KEY, key),
            column("title", TEXT, text),
            column("source", &["varchar(50)", "enum('web','app','ä')"], |random| {
                pick(random, &["'web'", "'app'", "'ä'", "null"])
            }),
            column("price", MONEY, price),
            column("currency", &["varchar(10)", "char(10)"], currency),
            column("listing_created_on", DAY, day),
            column("is_active", FLAG, flag),
            column("last_modified_timestamp", TIME, time),
        ],
    },
    Table {
        name: "apartment_attributes",
        columns: &[
            column("id", KEY, key),
            column("category", TEXT, text),
            column("body", &["mediumtext", "text"], text),
            column("amenities", TEXT, text),
            column("bathrooms", NUMBER, small),
            column("bedrooms", NUMBER, small),
            column("fee", MONEY, price),
            column("has_photo", FLAG, flag),
            column("pets_allowed", &["varchar(50)", "tinyint(1)"], |random| pick(random, &["'1'", "'0'", "null"])),
            optional("price_display", TEXT, text),
            optional("price_type", &["varchar(50)"], |random| pick(random, &["'Monthly'", "''", "null"])),
            column("square_feet", NUMBER, small),
            column("address", TEXT, text),
            column("cityname", TEXT, text),
            column("state", &["varchar(50)"], |random| pick(random, &["'CA'", "' '", "null"])),
            column("latitude", &["double", "decimal(9,6)", "double"], degrees),
            column("longitude", &["double", "decimal(10,6)"], degrees),
        ],
    },
    Table {
        name: "bookings",
        columns: &[
            column("booking_id", KEY, key),
            column("user_id", KEY, small),
            column("apartment_id", NUMBER, small),
            column("booking_date", DAY_OR_TIME, time),
            column("checkin_date", &["date"], |random| pick(random, &["'2025-03-30'", "'2025-11-02'", "'2025-01-10'"])),
            column("checkout_date", &["date"], |random| {
                let good = ["'2025-11-03'", "'2025-11-20'", "'2025-12-31'", "'2026-01-02'"];
                let any = ["'2025-03-30'", "'2025-01-01'", "null", "'0000-00-00'", "'2025-12-00'", "'2031-01-01'"];
                if random.random_bool(0.85) { pick(random, &good) } else { pick(random, &any) }
            }),
            column("total_price", &["decimal(12,2)", "decimal(14,3)", "bigint"], price),
            column("currency", &["varchar(10)"], currency),
            column("booking_status", &["varchar(20)"], |random| {
                pick(random, &["'confirmed'", "'pending'", "'?'", "null"])
            }),
            optional("payment_status", &["varchar(20)"], |random| pick(random, &["'paid'", "' Failed'", "'later'"])),
            optional("num_guests", NUMBER, small),
        ],
    },
    Table {
        name: "user_viewing",
        columns: &[
            column("viewed_at", TIME, time),
            column("user_id", NUMBER, small),
            column("apartment_id", NUMBER, small),
            column("is_wishlisted", FLAG, flag),
            column("call_to_action", &["varchar(400)"], text),
        ],
    },
];

/// Where chunks begin and end, far apart, and beyond what a signed number holds.
const KEYS: [i128; 9] = [0, 65_530, -65_540, 200_000, 1 << 40, -(1 << 50), i64::MAX as i128 - 9, i64::MIN as i128, -3];
/// Ends of days, clock changes of the zones that the tests use, the first and the last day of the calendar.
const DAYS: [&str; 12] = [
    "2025-03-08",
    "2025-03-09",
    "2025-03-29",
    "2025-03-30",
    "2025-04-06",
    "2025-10-05",
    "2025-10-26",
    "2025-11-02",
    "2024-02-29",
    "2025-12-31",
    "2026-01-01",
    "2011-12-30",
];
const TIMES: [&str; 10] = [
    "00:00:00",
    "00:00:01",
    "01:30:00",
    "01:45:00",
    "02:15:00",
    "02:30:00",
    "12:00:00.5",
    "22:30:00",
    "23:30:00",
    "23:59:59.999999",
];

fn pick(random: &mut StdRng, from: &[&str]) -> String {
    from[random.random_range(0..from.len())].to_owned()
}

fn key(random: &mut StdRng) -> String {
    if random.random_bool(0.02) {
        return "null".to_owned();
    }
    (KEYS[random.random_range(0..KEYS.len())] + i128::from(random.random_range(0..12_u8))).to_string()
}

fn small(random: &mut StdRng) -> String {
    match random.random_range(0..40) {
        0 => "null".to_owned(),
        1 => "2147483648".to_owned(),
        _ => random.random_range(-3..9).to_string(),
    }
}

fn price(random: &mut StdRng) -> String {
    match random.random_range(0..20) {
        0 => "null".to_owned(),
        1 => "100000000.01".to_owned(),
        2 => "12.345".to_owned(),
        3 => "-0.01".to_owned(),
        number => format!("{}.{}", number * 10, pick(random, &["00", "50", "00"])),
    }
}

fn currency(random: &mut StdRng) -> String {
    pick(random, &["'USD'", "'EUR'", "' eur '", "'JPY'", "'jpy'", "'GOLD'", "null"])
}

fn flag(random: &mut StdRng) -> String {
    pick(random, &["0", "1", "1", "0", "null", "2"])
}

fn text(random: &mut StdRng) -> String {
    match random.random_range(0..30) {
        0 => "null".to_owned(),
        1 => "repeat('é', 700)".to_owned(),
        2 => "''".to_owned(),
        3 => "'a''b\\\\ \\n\\t\\0 end '".to_owned(),
        _ => format!("'🏠 {}'", random.random_range(0..20)),
    }
}

fn degrees(random: &mut StdRng) -> String {
    match random.random_range(0..12) {
        0 => "null".to_owned(),
        1 => "-180.5".to_owned(),
        _ => format!("{:.6}", f64::from(random.random_range(-90_000_000..90_000_000)) / 1e6),
    }
}

fn day(random: &mut StdRng) -> String {
    match random.random_range(0..20) {
        0 => "null".to_owned(),
        1 => "'0000-00-00'".to_owned(),
        2 => "'2025-00-10'".to_owned(),
        _ => format!("'{}'", pick(random, &DAYS)),
    }
}

fn time(random: &mut StdRng) -> String {
    match random.random_range(0..40) {
        0 => "null".to_owned(),
        1 => "'0000-00-00 00:00:00'".to_owned(),
        2 => "'2025-01-00 10:00:00'".to_owned(),
        _ => format!("'{} {}'", pick(random, &DAYS), pick(random, &TIMES)),
    }
}

impl RandomSource {
    /// Makes the four tables and fills most of them.
    pub(crate) async fn create(pipeline: &Pipeline, seed: u64) -> Self {
        let pool = MySqlPoolOptions::new().max_connections(1).after_connect(|connection, _| {
            // Values that do not fit become ones that do, instead of errors.
            Box::pin(async move { connection.execute("set session sql_mode = ''").await.map(drop) })
        });
        let pool = pool.connect_with(cloud().source_options(&pipeline.source_database)).await;
        let pool = pool.expect("connect to the source");
        let mut source = Self { random: StdRng::seed_from_u64(seed), pool, log: Vec::new() };
        for table in &TABLES {
            let mut parts = Vec::new();
            for column in table.columns {
                if !column.is_optional || source.random.random_bool(0.7) {
                    parts.push(format!("{} {}", column.name, nullable(&source.pick(column.types))));
                }
            }
            let first = table.columns[0].name;
            parts.push(match source.random.random_range(0..4) {
                0 if table.name != "user_viewing" => format!("unique key by_key ({first})"),
                0 | 1 => "filler int".to_owned(),
                _ => format!("key by_chunk ({first})"),
            });
            source.execute(format!("create table {} ({})", table.name, parts.join(", "))).await;
            if source.random.random_bool(0.8) {
                source.insert(table, 60).await;
            }
        }
        source
    }

    /// Some changes of some tables.
    pub(crate) async fn change(&mut self) {
        self.log.push("-- next run".to_owned());
        for table in &TABLES {
            for _ in 0..self.random.random_range(0..4) {
                self.change_table(table).await;
            }
        }
    }

    /// Writes down what was done, for whoever wants to know how it came to this, and says where.
    pub(crate) fn write_log(&self, name: &str) -> String {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.sql"));
        fs::write(&path, self.log.join(";\n") + ";\n").expect("write what was done to the source");
        path.display().to_string()
    }

    async fn change_table(&mut self, table: &Table) {
        let name = table.name;
        let order = format!("order by rand({}) limit {}", self.random.random::<u32>(), self.random.random_range(1..12));
        let column = &table.columns[self.random.random_range(0..table.columns.len())];
        let value = (column.value)(&mut self.random);
        let first = &table.columns[0];
        let statement = match self.random.random_range(0..22) {
            0..5 => return self.insert(table, 12).await,
            5..9 if self.has(table, column).await => {
                format!("update ignore {name} set {} = {value} {order}", column.name)
            }
            9..12 => format!("delete from {name} {order}"),
            12 | 13 => format!("insert ignore into {name} select * from {name} {order}"),
            14 => {
                let value = (first.value)(&mut self.random);
                format!("update ignore {name} set {} = {value} {order}", first.name)
            }
            15 if name == "user_viewing" => {
                let hours = self.random.random_range(-30..30);
                format!(
                    "update {name} set viewed_at = viewed_at + interval {hours} hour where day(viewed_at) > 0 {order}"
                )
            }
            // Rows exchange values: counts and sums stay what they were.
            15 | 16 if name != "apartment_attributes" => {
                let of = if name == "apartments" { "price" } else { "user_id" };
                format!("update {name} set {of} = 7 - {of} where {of} in (3, 4)")
            }
            17 => format!("delete from {name}"),
            18 => return self.alter(table).await,
            19 => format!("alter table {name} engine = InnoDB"),
            20 => format!("truncate table {name}"),
            _ => return,
        };
        self.execute(statement).await;
    }

    async fn alter(&mut self, table: &Table) {
        let column = &table.columns[self.random.random_range(0..table.columns.len())];
        let new_type = nullable(&self.pick(column.types));
        let (name, first) = (table.name, table.columns[0].name);
        let change = match self.random.random_range(0..6) {
            0 => "add column if not exists extra_note varchar(20) default 'x'".to_owned(),
            1 => "drop column if exists extra_note".to_owned(),
            2 => format!("add index if not exists by_chunk ({first})"),
            3 => "drop index if exists by_chunk".to_owned(),
            _ if column.is_optional && self.random.random_bool(0.5) => {
                format!("drop column if exists {}", column.name)
            }
            _ if column.is_optional => format!("add column if not exists {} {new_type}", column.name),
            _ => format!("modify column {} {new_type}", column.name),
        };
        self.execute(format!("alter ignore table {name} {change}")).await;
    }

    async fn insert(&mut self, table: &Table, most: u32) {
        let mut columns = Vec::new();
        for column in table.columns {
            if self.has(table, column).await {
                columns.push(column);
            }
        }
        let rows: Vec<_> = (0..self.random.random_range(1..=most))
            .map(|_| {
                let values: Vec<_> = columns.iter().map(|column| (column.value)(&mut self.random)).collect();
                format!("({})", values.join(", "))
            })
            .collect();
        let names: Vec<_> = columns.iter().map(|column| column.name).collect();
        self.execute(format!("insert ignore into {} ({}) values {}", table.name, names.join(", "), rows.join(", ")))
            .await;
    }

    async fn has(&self, table: &Table, column: &Column) -> bool {
        if !column.is_optional {
            return true;
        }
        let query = "select count(*) from information_schema.columns
                     where table_schema = database() and table_name = ? and column_name = ?";
        let count = sqlx::query_scalar::<_, i64>(query).bind(table.name).bind(column.name).fetch_one(&self.pool).await;
        count.expect("look for a column") > 0
    }

    fn pick(&mut self, from: &[&str]) -> String {
        pick(&mut self.random, from)
    }

    async fn execute(&mut self, statement: String) {
        let done = sqlx::raw_sql(sqlx::AssertSqlSafe(statement.clone())).execute(&self.pool).await;
        done.unwrap_or_else(|error| panic!("{statement}: {error}"));
        self.log.push(statement);
    }
}

/// TIMESTAMP columns are NOT NULL unless told.
fn nullable(column_type: &str) -> String {
    if column_type.contains("not null") { column_type.to_owned() } else { format!("{column_type} null") }
}
