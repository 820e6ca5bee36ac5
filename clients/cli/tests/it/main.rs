//! The binary as users meet it: real processes, real sockets, exit statuses and what is printed.

mod alone;
mod attack;
mod authority;
mod broken;
mod client;
mod config;
mod convert;
mod demo;
mod files;
mod health;
mod info;
mod interrupted;
mod killed;
mod metrics;
mod misuse;
mod motif;
mod process;
mod quotas;
mod run;
mod serve;
mod sessions;
mod shared;
mod tls;
mod tokens;
mod verify;
