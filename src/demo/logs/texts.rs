//! The words of the logs: JSON lines, plain lines, coloured lines, and one service that writes to people
//! all over the world.

use jiff::Timestamp;
use serde_json::json;

use crate::demo::seed::Seed;

/// What a service is like in its logs.
enum Style {
    /// A JSON object a line.
    Json,
    /// Java's plain lines.
    Java,
    /// Python's plain lines.
    Python,
    /// Plain lines with coloured levels.
    Colour,
    /// A proxy's access lines.
    Access,
    /// key=value pairs.
    Pairs,
}

fn style(app: &str) -> Style {
    match app {
        "storefront" | "checkout" | "search" | "recommendations" => Style::Json,
        "cart" | "payments" | "accounts" => Style::Java,
        "media" | "mailer" | "pricing" => Style::Python,
        "catalog" => Style::Colour,
        "gateway" | "traefik" => Style::Access,
        _ => Style::Pairs,
    }
}

const PATHS: [&str; 8] = [
    "/",
    "/api/cart",
    "/api/products/8812",
    "/api/products?page=2",
    "/api/search?q=lamp",
    "/checkout",
    "/account/orders",
    "/static/app.9f31c2.js",
];
const RECIPIENTS: [&str; 8] = [
    "تم إرسال رسالة التأكيد إلى ليلى 📬",
    "订单确认邮件已发送给 王小明 ✅",
    "注文確認メールを送信しました: 佐藤さん 🛒",
    "주문 확인 메일을 보냈습니다: 김민준",
    "הודעת אישור נשלחה אל נועה",
    "Bestellbestätigung an Jörg Müller verschickt",
    "Подтверждение заказа отправлено: Анна 🎉",
    "sent order confirmation to Zoë 👩🏽‍💻",
];

/// A usual line.
pub fn line(app: &str, seed: Seed, at: Timestamp) -> String {
    let path = seed.of("path").pick(&PATHS).copied().unwrap_or("/");
    let took = 3 + seed.of("took").below(180);
    let trace = seed.of("trace").hex(16);
    let odd = seed.of("odd").below(40);
    let level = match odd {
        0 => "error",
        1 | 2 => "warn",
        _ => "info",
    };
    match style(app) {
        Style::Json => json_line(app, level, path, took, &trace, at),
        Style::Java => java(app, level, seed, took, at),
        Style::Python => python(app, level, seed, took, at),
        Style::Colour => {
            let (colour, word) = match level {
                "error" => ("31", "ERROR"),
                "warn" => ("33", "WARN"),
                _ => ("34", "INFO"),
            };
            let what = match level {
                "error" => "upstream search answered 503, served from cache",
                "warn" => "slow query",
                _ => "served products",
            };
            format!(
                "{}\t\u{1b}[{colour}m{word}\u{1b}[0m\thttp/handler.go:118\t{what}\t{{\"page\": {}, \"took\": \"{took}ms\"}}",
                at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ"),
                seed.below(40)
            )
        }
        Style::Access => {
            let code = match odd {
                0 => 503,
                1..=3 => 404,
                4 => 499,
                _ => 200,
            };
            format!(
                "[{}] \"GET {path} HTTP/2\" {code} - via_upstream - \"-\" 0 {} {took} {} \"-\" \"Mozilla/5.0\" \"{trace}\" \"storefront.shop.example\"",
                at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ"),
                900 + seed.below(60_000),
                took.saturating_sub(1)
            )
        }
        Style::Pairs => {
            let what = ["reconciled", "synced cache", "scraped targets", "health check passed"];
            let what = seed.of("what").pick(&what).copied().unwrap_or("ok");
            format!(
                "time={} level={level} msg=\"{what}\" component={app} duration={took}ms",
                at.strftime("%Y-%m-%dT%H:%M:%SZ")
            )
        }
    }
}

fn json_line(app: &str, level: &str, path: &str, took: u64, trace: &str, at: Timestamp) -> String {
    let time = at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
    match (app, level) {
        (_, "error") => json!({"level": "error", "time": time, "service": app, "msg": "upstream request failed",
            "upstream": "payments", "err": {"type": "TimeoutError", "message": format!("payments timed out after {} ms", 1000 + took)},
            "trace_id": trace}),
        (_, "warn") => json!({"level": "warn", "time": time, "service": app, "msg": "slow response", "path": path,
            "duration_ms": took * 9, "trace_id": trace}),
        ("search", _) => json!({"level": "info", "ts": time, "caller": "query/exec.go:212", "msg": "query executed",
            "hits": took * 3, "took_ms": took, "shards": 5, "trace_id": trace}),
        ("recommendations", _) => json!({"level": "info", "time": time, "service": app, "msg": "ranked candidates",
            "model": "two-tower-7", "candidates": took * 4, "duration_ms": took, "trace_id": trace}),
        _ => json!({"level": "info", "time": time, "service": app, "msg": "request completed",
            "req": {"method": "GET", "path": path}, "res": {"status": 200}, "duration_ms": took, "trace_id": trace}),
    }
    .to_string()
}

fn java(app: &str, level: &str, seed: Seed, took: u64, at: Timestamp) -> String {
    let thread = seed.of("thread").below(32);
    let (class, what) = match (app, level) {
        (_, "error") => {
            ("c.s.http.Client", "upstream payments timed out after 1000 ms (attempt 1 of 3)".to_owned())
        }
        (_, "warn") => ("c.s.db.Pool", format!("connection pool is {}% full", 80 + seed.below(19))),
        ("cart", _) => (
            "c.s.cart.CartService",
            format!("cart {} updated: {} items in {took} ms", seed.of("id").hex(8), 1 + seed.below(9)),
        ),
        ("payments", _) => {
            ("c.s.payments.Authorizer", format!("authorized payment {} in {took} ms", seed.of("id").hex(12)))
        }
        _ => ("c.s.accounts.Sessions", format!("session {} renewed in {took} ms", seed.of("id").hex(10))),
    };
    format!(
        "{} {:<5} [http-worker-{thread}] {class} - {what}",
        at.strftime("%Y-%m-%d %H:%M:%S%.3f"),
        level.to_uppercase()
    )
}

fn python(app: &str, level: &str, seed: Seed, took: u64, at: Timestamp) -> String {
    let time = at.strftime("%Y-%m-%d %H:%M:%S,%3f");
    let word = match level {
        "error" => "ERROR",
        "warn" => "WARNING",
        _ => "INFO",
    };
    match (app, level) {
        ("mailer", "error") => {
            format!("{time} ERROR mailer.smtp: 421 try again later (queue {})", seed.below(50))
        }
        ("mailer", "warn") => {
            format!("{time} WARNING mailer.template: missing translation 'order.shipped' for ja, using en")
        }
        ("mailer", _) => {
            let text = seed.of("to").pick(&RECIPIENTS).copied().unwrap_or("sent");
            format!("{time} INFO mailer.send: {text} ({took} ms)")
        }
        ("pricing", _) => format!(
            "{time} {word} pricing.refresh: market {} repriced {} products",
            ["de", "fr", "pl", "se"][seed.below(4) as usize],
            took * 7
        ),
        (_, "error") => {
            format!("{time} ERROR media.transcode: ffmpeg exited with 1 for {}.mov", seed.of("file").hex(8))
        }
        _ => format!(
            "{time} {word} media.transcode: {}.jpg scaled to 1280x720 in {took} ms",
            seed.of("file").hex(8)
        ),
    }
}

/// What a service says when it starts.
pub fn start(app: &str, release: &str, pod: &str, at: Timestamp) -> Vec<String> {
    let time = at.strftime("%Y-%m-%d %H:%M:%S%.3f");
    match style(app) {
        Style::Json => vec![
            json!({"level": "info", "time": at.to_string(), "service": app, "msg": "starting", "version": release, "pod": pod}).to_string(),
            json!({"level": "info", "time": at.to_string(), "service": app, "msg": "configuration loaded", "file": "/etc/config/application.yaml"}).to_string(),
            json!({"level": "info", "time": at.to_string(), "service": app, "msg": "listening"}).to_string(),
        ],
        Style::Java => vec![
            "Picked up JAVA_TOOL_OPTIONS: -XX:MaxRAMPercentage=75 -XX:+ExitOnOutOfMemoryError".to_owned(),
            format!("{time} INFO  [main] c.s.Main - starting {app} {release} on {pod}"),
            format!("{time} INFO  [main] c.s.db.Pool - connection pool of 20 ready"),
            format!("{time} INFO  [main] c.s.Main - warming caches before readiness"),
        ],
        Style::Python => vec![
            format!("{time} INFO {app}: version {release} starting"),
            format!("{time} INFO {app}: 4 workers ready"),
        ],
        _ => vec![format!("{time} starting {app} {release}")],
    }
}

/// What a service says before it ends.
pub fn end(app: &str, reason: &str, at: Timestamp) -> Vec<String> {
    let time = at.strftime("%Y-%m-%d %H:%M:%S%.3f");
    match (app, reason) {
        ("cart", "OOMKilled") => vec![
            format!("{time} ERROR [http-worker-7] c.s.cart.PriceCache - could not add 40000 entries"),
            "java.lang.OutOfMemoryError: Java heap space".to_owned(),
            "\tat java.base/java.util.Arrays.copyOf(Arrays.java:3541)".to_owned(),
            "\tat java.base/java.util.ArrayList.grow(ArrayList.java:239)".to_owned(),
            "\tat com.shop.cart.PriceCache.warm(PriceCache.java:88)".to_owned(),
            "\tat com.shop.cart.PriceCache.refresh(PriceCache.java:61)".to_owned(),
            "\tat com.shop.cart.CartService.open(CartService.java:142)".to_owned(),
            "\tat com.shop.http.Router.handle(Router.java:57)".to_owned(),
            "\tat java.base/java.util.concurrent.ThreadPoolExecutor.runWorker(ThreadPoolExecutor.java:1144)"
                .to_owned(),
            "\tat java.base/java.lang.Thread.run(Thread.java:1583)".to_owned(),
            "Terminating due to java.lang.OutOfMemoryError: Java heap space".to_owned(),
        ],
        (_, "Completed") => vec![format!("{time} INFO {app}: done")],
        _ => vec![format!("{time} received SIGTERM, draining"), format!("{time} bye")],
    }
}

/// What a service says that runs out of memory.
pub fn sick(seed: Seed, at: Timestamp, age: i64) -> String {
    let time = at.strftime("%Y-%m-%d %H:%M:%S%.3f");
    match seed.of("symptom").below(3) {
        0 => format!(
            "{time} WARN  [gc-monitor] c.s.Heap - heap {}% used after full GC ({} ms pause)",
            (55 + age).min(99),
            120 + age * 9
        ),
        1 => format!(
            "{time} ERROR [http-worker-3] c.s.cart.CartService - java.lang.OutOfMemoryError: GC overhead limit exceeded"
        ),
        _ => format!(
            "{time} WARN  [price-cache] c.s.cart.PriceCache - warming 40000 entries, {} loaded",
            age * 900
        ),
    }
}
