//! What clients can ask.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use graceful::BoxError;
use graceful::cache::Cache;
use graceful::http::{Error, Json, Request, Response, Router, StatusCode};
use serde_json::{Map, Value, json};

use crate::demand::Demand;
use crate::feed::Feed;
use crate::relay::Relay;
use crate::store::{Db, NewOrder, Order};

/// Orders that were asked for lately. They never change.
pub(crate) type Shown = Cache<i64, Arc<Order>>;

/// So many orders are in one answer.
const PAGE: usize = 1000;

pub(crate) fn routes() -> Router {
    Router::new()
        .get("/orders", list)
        .post("/orders", place)
        .get("/orders/{id}", show)
        .get("/demand", demand)
        .get("/feed", feed)
}

/// Acknowledged once it is durable; everything else follows from the outbox.
fn place(db: &Db, relay: &Relay, demand: &Demand, mut request: Request) -> Result<(StatusCode, Json<Value>), Error> {
    let order = read(&request.body().json()?)?;
    let id = db.add(&order).map_err(|error| unavailable("the order is not stored; try again later", error))?;
    relay.wake();
    demand.changed(order.item);
    Ok((StatusCode::CREATED, Json(json!({"id": id}))))
}

fn show(db: &Db, shown: &Shown, request: Request) -> Result<Option<Json<Value>>, Error> {
    let id: i64 = request.parse_param("id")?;
    if let Some(order) = shown.get(&id) {
        return Ok(Some(Json(order.json())));
    }
    let Some(order) = db.order(id).map_err(unreadable)? else { return Ok(None) };
    let json = order.json();
    shown.insert(id, Arc::new(order));
    Ok(Some(Json(json)))
}

fn list(db: &Db, request: Request) -> Result<Json<Value>, Error> {
    let orders = db.after(after(&request)?.unwrap_or(0), PAGE).map_err(unreadable)?;
    Ok(Json(json!({"orders": orders.iter().map(Order::json).collect::<Vec<_>>()})))
}

fn demand(demand: &Demand) -> Result<Json<Value>, Error> {
    let totals = demand.totals().map_err(unreadable)?;
    Ok(Json(totals.into_iter().map(|(item, quantity)| (item, quantity.into())).collect::<Map<_, _>>().into()))
}

fn feed(feed: &Feed, db: &Db, request: Request) -> Result<Response, Error> {
    Ok(feed.enter(&request, db, after(&request)?))
}

fn read(order: &Value) -> Result<NewOrder, Error> {
    let wrong = || Error::status(StatusCode::BAD_REQUEST, r#"write {"item":"tea","quantity":2}"#);
    let item = order["item"].as_str().ok_or_else(wrong)?;
    let quantity = order["quantity"].as_i64().ok_or_else(wrong)?;
    if !(1..=200).contains(&item.chars().count()) || item.contains('\0') || !(1..=1_000_000).contains(&quantity) {
        let text = "item is a text of 1 to 200 characters, quantity a number from 1 to 1000000";
        return Err(Error::status(StatusCode::BAD_REQUEST, text));
    }
    let placed = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_millis() as i64);
    Ok(NewOrder { item: item.to_owned(), quantity, placed })
}

fn after(request: &Request) -> Result<Option<i64>, Error> {
    let after = request.query_param("after").map(|after| after.parse()).transpose();
    after.map_err(|_| Error::status(StatusCode::BAD_REQUEST, "after is the id of an order"))
}

fn unreadable(error: BoxError) -> Error {
    unavailable("this cannot be told now; try again later", error)
}

/// The client learns what to do, the log learns why.
fn unavailable(text: &'static str, why: BoxError) -> Error {
    Error::status(StatusCode::SERVICE_UNAVAILABLE, text).caused_by(why)
}
