//! How a prediction is done: read the body, take one of the places for work, do it here or on a thread for long
//! work, within its time.

use std::panic;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Response, StatusCode, header};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::batch::Batch;
use super::observations::{self, Field};
use super::{answer, classic, exceed, rows};
use crate::app::App;
use crate::body;
use crate::guard::Said;
use crate::json::Reader;
use crate::limits::Limits;
use crate::problem::{Problem, Result};
use crate::served::Served;

/// What a body becomes.
type Work = fn(&Served, &Limits, &[u8]) -> Result<Done>;

/// A prediction that was made.
struct Done {
    n_rows: usize,
    predictions: Vec<f64>,
    body: Vec<u8>,
}

/// `POST /predict`
pub(crate) async fn classic(app: State<Arc<App>>, request: Request) -> Result<Response<Body>> {
    predict(app, request, |served, limits, body| {
        let batch = classic::read(served, limits, body)?;
        let predictions = batch.predict(served)?;
        let body = classic::answer(served, &predictions)?;
        Ok(Done {
            n_rows: batch.n_rows,
            predictions,
            body,
        })
    })
    .await
}

/// `POST /v1/predict`
pub(crate) async fn rows(app: State<Arc<App>>, request: Request) -> Result<Response<Body>> {
    predict(app, request, |served, limits, body| {
        let batch = read(served, limits, body)?;
        let predictions = batch.predict(served)?;
        let body = answer::write(served, &batch, &predictions)?;
        Ok(Done {
            n_rows: batch.n_rows,
            predictions,
            body,
        })
    })
    .await
}

async fn predict(
    State(app): State<Arc<App>>,
    request: Request,
    work: Work,
) -> Result<Response<Body>> {
    let body = body::read(&app, request.into_body()).await?;
    let place = take_place(&app, &app.predictions)?;
    let served = app.current.model();
    let done = if body.len() <= app.limits.inline_bytes_max {
        work(&served, &app.limits, &body.bytes)?
    } else {
        long(&app, Arc::clone(&served), body, place, work).await?
    };
    app.metrics.predicted(&done.predictions);
    Ok(respond(&served, done))
}

/// The place is kept until the work is over, also when nobody waits for it any more: an overload is seen as one.
async fn long(
    app: &Arc<App>,
    served: Arc<Served>,
    body: body::Held,
    place: OwnedSemaphorePermit,
    work: Work,
) -> Result<Done> {
    let limits = app.limits;
    let long_place = take_place(app, &app.long_predictions)?;
    let task = tokio::task::spawn_blocking(move || {
        let done = work(&served, &limits, &body.bytes);
        drop((place, long_place, body));
        done
    });
    match tokio::time::timeout(limits.handler, task).await {
        Ok(Ok(done)) => done,
        // The guard counts it and answers, as for any other panic.
        Ok(Err(failed)) if failed.is_panic() => panic::resume_unwind(failed.into_panic()),
        Ok(Err(_)) => Err(Problem::busy("the service is going down")),
        Err(_) => Err(Problem::new(
            StatusCode::GATEWAY_TIMEOUT,
            format!(
                "the prediction took longer than {} s",
                limits.handler.as_secs_f32()
            ),
        )
        .hint("send fewer rows in a request")),
    }
}

fn take_place(app: &App, places: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit> {
    Arc::clone(places).try_acquire_owned().map_err(|_| {
        app.metrics.shed();
        Problem::busy("as many predictions as this service can do at once are in work already")
    })
}

/// Rows, or observations of which a row is made.
fn read(served: &Served, limits: &Limits, body: &[u8]) -> Result<Batch> {
    const ROWS: &str = "rows";
    let mut reader = Reader::new(body, limits.json_depth_max)?;
    let (mut batch, mut exceed_ug_m3) = (None, None);
    let mut request = observations::Request::default();
    reader.object(|reader, key| match Field::of(key) {
        Some(field) => request.field(reader, field, limits),
        None if key == ROWS => {
            let rows = rows::read(served, limits, reader)?;
            crate::json::fill(&mut batch, reader, rows)
        }
        None if key == exceed::FIELD => {
            let thresholds = exceed::read(reader, served)?;
            crate::json::fill(&mut exceed_ug_m3, reader, thresholds)
        }
        None => {
            let others = [ROWS, exceed::FIELD];
            Err(reader.unknown(Field::ALL.map(Field::name).into_iter().chain(others)))
        }
    })?;
    let batch = match batch {
        Some(batch) if request.is_empty() => Ok(batch),
        Some(_) => Err(Problem::unusable("send `rows` or `observations`, not both").field(ROWS)),
        None if request.is_empty() => Err(reader
            .missing(ROWS)
            .hint("send `rows` or `observations`; GET / shows both")),
        None => request.batch(served, &reader),
    }?;
    Ok(Batch {
        exceed_ug_m3: exceed_ug_m3.unwrap_or_default(),
        ..batch
    })
}

fn respond(served: &Served, done: Done) -> Response<Body> {
    let said = Said {
        n_rows: done.n_rows,
        model: served.short_hash().to_owned(),
    };
    let mut response = Response::new(Body::from(done.body));
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response.extensions_mut().insert(said);
    response
}
