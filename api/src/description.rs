//! What the description of the API says of every address alike: the token, the headers of a write,
//! and the codes that a refusal can have. What an address is for stands with its handler.

use utoipa::openapi::{
    Content, InfoBuilder, Object, OpenApi, PathItem, Ref, RefOr, Required, ResponseBuilder, Type,
    path::{Operation, Parameter, ParameterBuilder, ParameterIn},
    schema::Schema,
    security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
};

use crate::error;

/// The tags of requests that take no key: those that confide a secret, or are answered with one, of
/// which nothing is remembered; and imports, which change nothing when they are sent again.
const WITHOUT_KEY: [&str; 2] = ["secrets", "imports"];

/// Completes what was gathered from the handlers.
pub(crate) fn describe(mut description: OpenApi) -> OpenApi {
    description.info = InfoBuilder::new()
        .title("Préau")
        .version("1")
        .description(Some("School life as immutable events: roll calls, absences, timetables."))
        .build();
    if let Some(components) = &mut description.components {
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        components.add_security_scheme("token", SecurityScheme::Http(bearer));
        let problem = components.schemas.get_mut("Problem");
        if let Some(RefOr::T(Schema::Object(problem))) = problem
            && let Some(RefOr::T(Schema::Object(code))) = problem.properties.get_mut("code")
        {
            code.enum_values = Some(error::codes().into_iter().map(Into::into).collect());
        }
    }
    description.security = Some(vec![SecurityRequirement::new("token", [""; 0])]);
    for PathItem { get, put, post, patch, delete, .. } in description.paths.paths.values_mut() {
        let writes = [&mut *put, post, patch, delete].into_iter().flatten();
        for write in writes.filter(|write| takes_a_key(write)) {
            write.parameters.get_or_insert_default().extend(headers_of_a_write().map(RefOr::T));
        }
        for operation in [get, put, post, patch, delete].into_iter().flatten() {
            may_be_refused(operation);
        }
    }
    description
}

/// What every request that writes may say of itself.
fn headers_of_a_write() -> [Parameter; 2] {
    let header = |name: &str, meaning: &str| {
        ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(meaning))
            .schema(Some(Object::with_type(Type::String)))
            .build()
    };
    [
        header("Idempotency-Key", "Yours: the same request under it again is done once."),
        header("Occurred-At", "When it happened, if that was before it is sent."),
    ]
}

/// Whether a request may be named by a key of its caller.
fn takes_a_key(operation: &Operation) -> bool {
    let mut tags = operation.tags.iter().flatten();
    !tags.any(|tag| WITHOUT_KEY.contains(&tag.as_str()))
}

/// A refusal is a problem, and some have nothing to do with what is asked.
fn may_be_refused(operation: &mut Operation) {
    let problem = || {
        let problem = Content::new(Some(Ref::from_schema_name("Problem")));
        ResponseBuilder::new().content("application/problem+json", problem)
    };
    let responses = &mut operation.responses.responses;
    for (status, response) in responses.iter_mut() {
        let meaning = match status.as_str() {
            "404" => "Not here",
            "422" => "A rule forbids it",
            _ => continue,
        };
        *response = RefOr::T(problem().description(meaning).build());
    }
    responses.remove("401");
    let other = problem().description("Any other refusal; its code says which").build();
    responses.insert("default".to_owned(), RefOr::T(other));
}
