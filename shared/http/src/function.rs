use axum::{
    Router,
    routing::{MethodFilter, MethodRouter},
};
use runtime::{Environment, Start, StartError, telemetry};
use store::keys::Kind;
use utoipa::openapi::{HttpMethod, OpenApi};

use crate::finish;

/// A function that answers HTTP: its routes, and the state of their handlers, which is made of what the function
/// needs. It is a constant, so that routes are known without anything that they need.
#[derive(Debug)]
pub struct Function<State: 'static, Needs> {
    routes: Routes<State>,
    state: fn(Needs) -> State,
    environment: Environment,
}

impl<State, Needs> Function<State, Needs>
where
    State: Clone + Send + Sync + 'static,
{
    /// With these routes, and a state made so.
    pub const fn new(routes: Routes<State>, state: fn(Needs) -> State) -> Self {
        let environment = Environment { first_read: Kind::Facility };
        Self { routes, state, environment }
    }

    /// For a function that may not read facilities: its first read is of this kind.
    pub const fn first_reading(self, kind: Kind) -> Self {
        Self { environment: Environment { first_read: kind }, ..self }
    }

    /// What its handlers say of themselves. No function builds that when it starts.
    pub fn describe(&self) -> OpenApi {
        (self.routes.describe)()
    }

    /// Starts what it needs, and routes requests to its handlers.
    pub async fn router<Source>(&self, source: &Source) -> Result<Router, StartError>
    where
        Needs: Start<Source>,
    {
        let state = (self.state)(Needs::start(source).await?);
        Ok(self.routes.router().with_state(state))
    }
}

/// Runs a function in AWS Lambda.
pub fn run<State, Needs>(function: Function<State, Needs>) -> Result<(), lambda_http::Error>
where
    State: Clone + Send + Sync + 'static,
    Needs: Start<Environment>,
{
    telemetry::start();
    runtime::block_on(async {
        let router = function.router(&function.environment).await?;
        lambda_http::run(finish(router)).await
    })?
}

/// The routes of a function, as [`routes!`](crate::routes) makes them of its handlers. Method and path of a handler
/// stand in its `#[utoipa::path]` alone.
#[derive(Debug)]
pub struct Routes<State: 'static> {
    /// Each handler.
    pub routes: &'static [Route<State>],
    /// What they say of themselves. It takes some 0.1 million instructions a route, so it waits until it is asked for.
    pub describe: fn() -> OpenApi,
}

impl<State: Clone + Send + Sync + 'static> Routes<State> {
    fn router(&self) -> Router<State> {
        let handlers = self.routes.iter().flat_map(|route| {
            let methods = (route.methods)().into_iter();
            methods.map(|method| ((route.path)(), (route.serve)(filter(&method))))
        });
        handlers.fold(Router::new(), |router, (path, handler)| router.route(&path, handler))
    }
}

/// A handler with its address.
#[derive(Debug)]
pub struct Route<State> {
    path: fn() -> String,
    methods: fn() -> Vec<HttpMethod>,
    serve: fn(MethodFilter) -> MethodRouter<State>,
}

impl<State> Route<State> {
    /// At the address that `#[utoipa::path]` gave the handler.
    pub const fn at<Address: utoipa::Path>(serve: fn(MethodFilter) -> MethodRouter<State>) -> Self {
        Self { path: Address::path, methods: Address::methods, serve }
    }
}

fn filter(method: &HttpMethod) -> MethodFilter {
    match method {
        HttpMethod::Get => MethodFilter::GET,
        HttpMethod::Put => MethodFilter::PUT,
        HttpMethod::Post => MethodFilter::POST,
        HttpMethod::Delete => MethodFilter::DELETE,
        HttpMethod::Options => MethodFilter::OPTIONS,
        HttpMethod::Head => MethodFilter::HEAD,
        HttpMethod::Patch => MethodFilter::PATCH,
        HttpMethod::Trace => MethodFilter::TRACE,
    }
}

/// The [`Routes`] of handlers with `#[utoipa::path]`: `routes![list_slots, one::get_slot]`.
#[macro_export]
macro_rules! routes {
    (@at $handler:ident) => {
        $crate::__paste! {
            $crate::Route::at::<[<__path_ $handler>]>(|method| axum::routing::on(method, $handler))
        }
    };
    (@at $module:ident :: $handler:ident) => {
        $crate::__paste! {
            $crate::Route::at::<$module::[<__path_ $handler>]>(|method| {
                axum::routing::on(method, $module::$handler)
            })
        }
    };
    ($($($part:ident)::+),+ $(,)?) => {
        $crate::Routes {
            routes: &[$($crate::routes!(@at $($part)::+)),+],
            describe: || {
                #[derive(utoipa::OpenApi)]
                #[openapi(paths($($($part)::+),+))]
                struct Description;
                <Description as utoipa::OpenApi>::openapi()
            },
        }
    };
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::{Json, body::Body};
    use http::{Method, Request, StatusCode};
    use tower::ServiceExt;
    use utoipa::{
        PartialSchema, ToSchema,
        openapi::{RefOr, Schema},
    };

    use super::*;

    static DESCRIBED: AtomicUsize = AtomicUsize::new(0);

    /// What is counted when it is described.
    #[derive(Debug, serde::Serialize)]
    struct Counted(u8);

    impl PartialSchema for Counted {
        fn schema() -> RefOr<Schema> {
            DESCRIBED.fetch_add(1, Ordering::SeqCst);
            u8::schema()
        }
    }

    impl ToSchema for Counted {}

    #[utoipa::path(get, path = "/counted", responses((status = 200, body = Counted)))]
    async fn read() -> Json<Counted> {
        Json(Counted(1))
    }

    #[utoipa::path(put, path = "/counted", responses((status = 200, body = Counted)))]
    async fn write() -> Json<Counted> {
        Json(Counted(2))
    }

    const FUNCTION: Function<(), ()> = Function::new(routes![read, write], |()| ());

    #[tokio::test]
    async fn function_starts_and_answers_without_describing_itself() {
        let router = FUNCTION.router(&()).await.unwrap();
        for (method, status) in [
            (Method::GET, StatusCode::OK),
            (Method::PUT, StatusCode::OK),
            (Method::POST, StatusCode::METHOD_NOT_ALLOWED),
        ] {
            let request = Request::builder().method(&method).uri("/counted");
            let request = request.body(Body::empty()).unwrap();
            let answer = router.clone().oneshot(request).await.unwrap();
            assert_eq!(answer.status(), status, "{method}");
        }
        assert_eq!(DESCRIBED.load(Ordering::SeqCst), 0);

        let described = FUNCTION.describe();
        let path = &described.paths.paths["/counted"];
        assert!(path.get.is_some() && path.put.is_some() && path.post.is_none());
        assert!(DESCRIBED.load(Ordering::SeqCst) > 0);
    }
}
