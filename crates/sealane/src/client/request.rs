//! Requests as programs write them: options, then a body piece by piece, then the response.

use http::Response;

use crate::body::Body;
use crate::error::Result;

mod options;
mod writing;

pub use options::RequestOptions;
pub use writing::ClientRequest;

/// Sends a GET request through the global agent and waits for the head of its response.
///
/// ```
/// # async fn example() -> sealane::Result<()> {
/// let mut response = sealane::get("https://encrypted.example.com/").await?;
/// println!("statusCode: {}", response.status().as_u16());
/// while let Some(chunk) = response.body_mut().chunk().await? {
///     println!("{} octets", chunk.len());
/// }
/// # Ok(())
/// # }
/// ```
///
/// Dropping the future gives the request up; if it had begun, its connection is closed.
///
/// # Errors
///
/// As [`request`] and [`ClientRequest::end`].
pub async fn get(options: impl Into<RequestOptions>) -> Result<Response<Body>> {
    request(options)?.end().await
}

/// Begins a request through the agent its options name, else the global one; nothing is sent yet.
///
/// ```
/// use http::Method;
/// use sealane::RequestOptions;
///
/// # async fn example() -> sealane::Result<()> {
/// let options = RequestOptions::new("https://example.com/upload").method(Method::POST);
/// let mut request = sealane::request(options)?;
/// request.write("part one, ").await?;
/// request.write("part two").await?;
/// let response = request.end().await?;
/// # drop(response);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// What was given is no request: the code is one of the module's, such as `ERR_INVALID_URL`,
/// `ERR_INVALID_PROTOCOL`, `ERR_UNESCAPED_CHARACTERS`, `ERR_INVALID_HTTP_TOKEN`.
pub fn request(options: impl Into<RequestOptions>) -> Result<ClientRequest> {
    options.into().begin(None)
}
