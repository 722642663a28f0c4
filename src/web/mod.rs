//! The pages.
/// Routes.
pub fn router(_service: std::sync::Arc<crate::service::Service>) -> axum::Router {
    axum::Router::new()
}
