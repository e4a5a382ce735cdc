//! A wire without a mind of its own: bytes to the API server and back, TLS and upgraded connections too, until it is cut.
//!
//! What [`crate::proxy`] cannot pass on: a shell, whose connection is no request with an answer.

use eyre::Result;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::cluster::Cluster;
use crate::ports::Port;

/// A running relay; it ends when this is dropped.
#[derive(Debug)]
pub struct Relay {
    port: Port,
    /// Counted up to cut what is open.
    cuts: watch::Sender<usize>,
    task: JoinHandle<()>,
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
        self.cut_all();
    }
}

impl Relay {
    /// Starts it before a cluster's API server.
    ///
    /// # Errors
    /// When there is no port.
    pub async fn start(cluster: &Cluster) -> Result<Relay> {
        let port = Port::take()?;
        let listener = TcpListener::bind(port.address()).await?;
        let server = cluster.url().trim_start_matches("https://").to_owned();
        let cuts = watch::channel(0).0;
        let task = tokio::spawn(serve(listener, server, cuts.clone()));
        Ok(Relay { port, cuts, task })
    }

    /// Its address, for a kubeconfig; the certificate is the API server's.
    pub fn url(&self) -> String {
        format!("https://{}", self.port.address())
    }

    /// Cuts every connection that is open now.
    pub fn cut_all(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }
}

async fn serve(listener: TcpListener, server: String, cuts: watch::Sender<usize>) {
    loop {
        // A connection that failed while it was taken is the client's to try again.
        let Ok((mut client, _)) = listener.accept().await else { continue };
        let (server, mut cuts) = (server.clone(), cuts.subscribe());
        tokio::spawn(async move {
            // A server that does not listen is seen as a connection that ends at once.
            let Ok(mut upstream) = TcpStream::connect(server).await else { return };
            tokio::select! {
                // Ended by one of them or cut: both are what was wanted.
                _ = copy_bidirectional(&mut client, &mut upstream) => {}
                _ = cuts.changed() => {}
            }
        });
    }
}
