//! Has each mistake in building a message its name, whichever way it is made?

use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri};

use crate::error::Error;

fn code<T, E: Into<Error>>(outcome: Result<T, E>) -> Option<&'static str> {
    outcome.err().unwrap().into().code()
}

#[test]
fn mistakes_have_the_names_of_the_module() {
    let name = "ERR_INVALID_HTTP_TOKEN";
    let value = "ERR_INVALID_CHAR";
    let status = "ERR_HTTP_INVALID_STATUS_CODE";
    let url = "ERR_INVALID_URL";
    assert_eq!(code(HeaderName::try_from("a b")), Some(name));
    assert_eq!(code(HeaderValue::try_from("a\r\nb")), Some(value));
    assert_eq!(code(Method::try_from("A B")), Some(name));
    assert_eq!(code(StatusCode::try_from(42)), Some(status));
    assert_eq!(code(Uri::try_from("http://[")), Some(url));
    assert_eq!(
        code(Response::builder().header("a b", "").body(())),
        Some(name)
    );
    assert_eq!(
        code(Response::builder().header("a", "\n").body(())),
        Some(value)
    );
    assert_eq!(
        code(Response::builder().status(1000).body(())),
        Some(status)
    );
    assert_eq!(code(Request::builder().method("A B").body(())), Some(name));
    assert_eq!(code(Request::builder().uri("http://[").body(())), Some(url));
}
