//! Woken by other servers: a connection of its own that hears when a job was added.

use std::{future::poll_fn, time::Duration};

use tokio_postgres::AsyncMessage;

use super::settings::PostgresSettings;

/// How long until a lost connection is made again.
const PAUSE: Duration = Duration::from_secs(1);

/// Hears of jobs that any server added.
#[derive(Debug, Clone)]
pub struct JobListener {
    pub(super) settings: PostgresSettings,
}

impl JobListener {
    /// Calls `wake` whenever a job was added, and whenever it may have missed one. Ends never; a lost connection is made again. Only a
    /// wake-up: who looks for jobs by itself misses none without it.
    pub async fn run(self, wake: impl Fn() + Send + Sync) {
        loop {
            if let Err(error) = self.listen(&wake).await {
                tracing::debug!(
                    code = error.code().map(tokio_postgres::error::SqlState::code),
                    "the listener for jobs lost its connection"
                );
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn listen(&self, wake: &(impl Fn() + Send + Sync)) -> Result<(), tokio_postgres::Error> {
        let (client, mut connection) = self.settings.config.connect(self.settings.tls.clone()).await?;
        let mut listening = std::pin::pin!(client.batch_execute("LISTEN abstractor_job"));
        let mut is_listening = false;
        loop {
            tokio::select! {
                begun = &mut listening, if !is_listening => {
                    begun?;
                    is_listening = true;
                    wake();
                }
                message = poll_fn(|context| connection.poll_message(context)) => match message {
                    Some(Ok(AsyncMessage::Notification(_))) => wake(),
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(error),
                    None => return Ok(()),
                },
            }
        }
    }
}
