//! Tests of the whole pipeline on real servers: MariaDB, LocalStack's S3 and Step Functions, PostgreSQL under the Redshift
//! stand-in. One cloud serves all tests of a run; each test has its own source database, bucket and warehouse.

// What the tests share: the cloud, and a pipeline of one's own in it.
mod support;

// The stack, the state machine and the three container tasks, as `make demo` runs them.
mod state_machine;
// What the contracts declare, and what stands in the warehouse.
mod contracts;
// Random tables, random changes: after every sweep the log has the rows of the source.
mod capture;
// A value of every type: it arrives exactly, or its row is rejected.
mod capture_types;
// A row for every rule of every contract.
mod capture_rules;
// Writers that never stop: a run shows one moment.
mod concurrent_writers;
// Kills at random moments of the extract.
mod capture_kills;
// Rival runs, broken connections, missing rights, large tables.
mod capture_connections;
// Runs between sweeps: what they see and what they say.
mod hints;
// What follows random changes, against a rebuild.
mod incremental;
// What a second run does: nothing without changes; exactly the changes otherwise; the same again from the log.
mod reruns;
// Numbers that change after readers have seen them.
mod restatements;
// One run over many tasks.
mod fan_out;
// What is told of rejected rows.
mod quarantine;
// More rejected rows than a contract accepts.
mod thresholds;
// Rows that break rules across rows and tables, and the queue of those that are kept out.
mod violations;
// What a look at everything finds, and leaves as it was.
mod doctor;
// Rows of the warehouse that are not those of the source.
mod reconcile;
// Why a metric says what it says.
mod explain;
// A metric that somebody adds.
mod own_metric;
// Steps out of order, and a log that was changed.
mod refusals;
// A past period made again.
mod backfill;
// What a run would do, and then does.
mod plan;
// Data files that are not what was sealed, or not what the raw table takes.
mod preflight;
// A damage for every check of the warehouse.
mod checks;
// What a migration would do, and does.
mod migrations;
// The worked example of the seven metrics.
mod golden;
// Eight runs over a source that changes, each number as brute force has it.
mod worked_example;
// The sample data's planted defects, all of them caught.
mod planted_defects;
// Files that other people bring.
mod own_files;
// How the source is entered: every mode of TLS, every way to log in, both kinds of connections.
mod connections;
// A whole extract from MySQL's own server.
mod mysql_server;
// Wrong configuration and wrong data: the message and the exit code.
mod failures;
// Several loaders of one log, and one that is killed again and again.
mod loaders;
// Processes killed in the middle.
mod kills;
// Objects written in parts: what stands on S3 afterwards, and what is never left there.
mod uploads;
