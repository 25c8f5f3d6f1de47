//! A TCP service that ends well, and uses what its features offer as services do: opened at the start, closed in a hook.

use std::io::Write as _;

#[allow(unused_imports, reason = "not every feature needs it")]
use graceful::{App, BoxError, Connection, Deadline};

#[graceful::main(timeout = "30s")]
fn main(app: &App) -> Result<(), BoxError> {
    app.tcp("127.0.0.1:8080", |mut connection: Connection| connection.write_all(b"hello\n"))?;
    #[cfg(feature = "http")]
    app.http("127.0.0.1:8081", http::routes())?;
    #[cfg(feature = "logging")]
    graceful::logging::init()?;
    #[cfg(feature = "health")]
    http::probes(app).serve(app, "127.0.0.1:9090")?;
    #[cfg(feature = "cache")]
    app.provide(cache::open()?);
    #[cfg(feature = "files")]
    app.provide(graceful::files::AppendLog::open("audit", graceful::files::Durability::EachLine)?);
    #[cfg(feature = "nats")]
    app.provide(nats::open()?);
    #[cfg(feature = "pool")]
    app.provide(pool::open()?);
    #[cfg(feature = "postgres")]
    app.provide(postgres::open()?);
    #[cfg(feature = "redis")]
    app.provide(redis::open()?);
    #[cfg(feature = "sqlite")]
    app.provide(sqlite::open()?);
    Ok(())
}

#[cfg(feature = "http")]
mod http {
    use graceful::http::{Request, Response, Router};

    pub(super) fn routes() -> Router {
        let routes = Router::new().get("/", |_: Request| "hello\n");
        #[cfg(feature = "websocket")]
        let routes = {
            use graceful::websocket::{Message, Socket, WebSocket};
            let echo = WebSocket::new();
            routes.get("/echo", move |request: Request| -> Response {
                echo.upgrade(&request, |socket: &Socket, message: Message| socket.send(message))
            })
        };
        #[cfg(not(feature = "websocket"))]
        let routes = routes.get("/empty", |_: Request| -> Response { Response::new(Vec::new().into()) });
        routes
    }

    #[cfg(feature = "health")]
    pub(super) fn probes(app: &graceful::App) -> graceful::health::Probes {
        let _ = app;
        let probes = graceful::health::Probes::new();
        #[cfg(feature = "metrics")]
        let probes = probes.metrics(graceful::metrics::Metrics::new(app));
        probes
    }
}

#[cfg(feature = "cache")]
mod cache {
    use graceful::cache::{Cache, Unwritten, WriteBehind};
    use graceful::{BoxError, Deadline, cleanup};

    pub(super) struct Stock {
        levels: Cache<String, u64>,
        changes: WriteBehind<(String, u64)>,
    }

    pub(super) fn open() -> Result<Stock, BoxError> {
        let changes = WriteBehind::new("changes", 1000, |_: &[(String, u64)]| Ok(()))?;
        let stock = Stock { levels: Cache::new(1000), changes };
        stock.levels.insert("tea".to_owned(), 1);
        Ok(stock)
    }

    #[cleanup(order = 10, timeout = "2s")]
    fn flush(stock: &Stock, deadline: Deadline) -> Result<(), Unwritten> {
        println!("{}", stock.levels.statistics());
        stock.changes.close(deadline)
    }
}

#[cfg(feature = "external")]
#[graceful::cleanup(order = 30, timeout = "2s")]
fn close_services(deadline: Deadline) -> Result<(), graceful::external::NotClosed> {
    graceful::external::Closers::new()
        .add("payment", |_| Ok::<_, BoxError>(()))
        .add("storage", |_| Ok::<_, BoxError>(()))
        .close(deadline)
}

#[cfg(feature = "files")]
#[graceful::cleanup(order = 20, timeout = "2s")]
fn close_audit(audit: &graceful::files::AppendLog) -> std::io::Result<()> {
    audit.close()
}

#[cfg(feature = "nats")]
mod nats {
    use graceful::nats::{Error, Nats, NatsLeft};
    use graceful::{Deadline, cleanup};

    pub(super) fn open() -> Result<Nats, Error> {
        let nats = graceful::nats::connect("nats://127.0.0.1:4222")?;
        nats.publish("started", "here")?;
        Ok(nats)
    }

    #[cleanup(order = 20, timeout = "2s")]
    fn drain(nats: &Nats, deadline: Deadline) -> Result<(), NatsLeft> {
        nats.drain(deadline)
    }
}

#[cfg(feature = "pool")]
mod pool {
    use graceful::pool::{Pool, PoolLeft, r2d2};
    use graceful::{BoxError, Deadline, cleanup};

    pub(super) struct Manager;

    impl r2d2::ManageConnection for Manager {
        type Connection = String;
        type Error = std::io::Error;

        fn connect(&self) -> Result<String, std::io::Error> {
            Ok(String::new())
        }

        fn is_valid(&self, _: &mut String) -> Result<(), std::io::Error> {
            Ok(())
        }

        fn has_broken(&self, _: &mut String) -> bool {
            false
        }
    }

    pub(super) fn open() -> Result<Pool<Manager>, BoxError> {
        let pool = Pool::with_canceller("pool", r2d2::Pool::new(Manager)?, |_| None);
        drop(pool.get()?);
        Ok(pool)
    }

    #[cleanup(order = 20, timeout = "2s")]
    fn close_pool(pool: &Pool<Manager>, deadline: Deadline) -> Result<(), PoolLeft> {
        pool.close(deadline).map(drop)
    }
}

#[cfg(feature = "postgres")]
mod postgres {
    use graceful::pool::{Pool, PoolLeft};
    use graceful::postgres::{NoTls, PostgresConnectionManager};
    use graceful::{BoxError, Deadline, cleanup};

    type Postgres = Pool<PostgresConnectionManager<NoTls>>;

    pub(super) fn open() -> Result<Postgres, BoxError> {
        let pool = graceful::postgres::open("postgres://orders@localhost/orders", 8)?;
        pool.get()?.execute("INSERT INTO orders (item) VALUES ($1)", &[&"tea"])?;
        Ok(pool)
    }

    #[cleanup(order = 20, timeout = "2s")]
    fn close_postgres(pool: &Postgres, deadline: Deadline) -> Result<(), PoolLeft> {
        pool.close(deadline).map(drop)
    }
}

#[cfg(feature = "redis")]
mod redis {
    use graceful::redis::redis::Commands as _;
    use graceful::redis::{Error, Redis, RedisLeft};
    use graceful::{Deadline, cleanup};

    pub(super) fn open() -> Result<Redis, Error> {
        let redis = graceful::redis::open("redis://127.0.0.1/", 8)?;
        redis.get()?.rpush::<_, _, ()>("orders", "tea")?;
        Ok(redis)
    }

    #[cleanup(order = 20, timeout = "2s")]
    fn close_redis(redis: &Redis, deadline: Deadline) -> Result<(), RedisLeft> {
        redis.close(deadline).map(drop)
    }
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use graceful::pool::{Pool, PoolLeft};
    use graceful::sqlite::SqliteConnectionManager;
    use graceful::{BoxError, Deadline, cleanup};

    pub(super) fn open() -> Result<Pool<SqliteConnectionManager>, BoxError> {
        let pool = graceful::sqlite::open("orders.db", 8)?;
        pool.get()?.execute("INSERT INTO orders (item) VALUES (?1)", ["tea"])?;
        Ok(pool)
    }

    #[cleanup(order = 20, timeout = "2s")]
    fn close_sqlite(pool: &Pool<SqliteConnectionManager>, deadline: Deadline) -> Result<(), PoolLeft> {
        pool.close(deadline).map(drop)
    }
}
