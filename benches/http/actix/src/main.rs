//! actix-web. It handles SIGTERM by itself: workers finish what they have within 30 s.

use actix_web::{App, HttpRequest, HttpServer, web};

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let server = HttpServer::new(|| App::new().route("/", web::get().to(hello)).route("/work", web::get().to(work)))
        .bind(peer::address())?;
    let address = server.addrs()[0];
    let server = server.run();
    peer::announce(address)?;
    server.await
}

async fn hello() -> &'static str {
    peer::GREETING
}

async fn work(request: HttpRequest) -> actix_web::Result<&'static str> {
    let time = peer::work(request.query_string());
    web::block(move || std::thread::sleep(time)).await?;
    Ok("done")
}
