//! The built program as a stranger meets it: started by its arguments, asked by curl and openssl,
//! ended by signals. What single parts decide is tested beside them; here is what reaches the wire,
//! the terminal and the exit code.

mod running;
mod peer;

mod cert;
mod client;
mod client_failures;
mod client_terminal;
mod echo;
mod ending;
mod fetch_compressed;
mod fetch_location;
mod fetch_repeat;
mod fetch_resume;
mod fetch_route;
mod fetch_times;
mod fetch_upload;
mod fetch_write_out;
mod inspect;
mod refusals;
mod serve;
mod sockets;
mod tls;
mod trust;
mod watch;
