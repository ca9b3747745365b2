//! What a web page in somebody's browser may send to the two ports: nothing, unless it is the stack's own page.
//!
//! Loopback is no wall against a browser. A page from anywhere can send it forms and plain text without asking, and by
//! DNS rebinding (a name of the page's owner that suddenly means 127.0.0.1) it even reads the answers. So a request must
//! name a host of this machine, and one that a browser sends for a page must come from a page of that very host.

use std::net::IpAddr;

use http::header::{HOST, HeaderMap, HeaderName, ORIGIN, REFERER};
use http::uri::Authority;
use http::{Method, Uri, request};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// The names of this machine.
#[derive(Clone, Debug)]
pub(crate) struct Hosts {
    listen: IpAddr,
    /// In lower case.
    public: Vec<String>,
}

/// Why a request is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Foreign {
    /// It is for another host.
    Host(String),
    /// It says in two ways which host it is for, or in a way that cannot be read.
    UnclearHost,
    /// A page of this origin sends it.
    Origin(String),
    /// A page of another site sends it.
    Site,
}

impl Hosts {
    /// The machine that listens on this address, and that has these names besides.
    pub(crate) fn new(listen: IpAddr, public: &[String]) -> Hosts {
        let public = public.iter().map(|name| plain(name).to_owned()).collect();
        Hosts { listen: listen.to_canonical(), public }
    }

    /// Refuses what is for another host, or comes from another site's page. `local` is the address that the client
    /// connected to.
    pub(crate) fn check(&self, head: &request::Parts, local: IpAddr) -> Result<(), Foreign> {
        let host = self.host(head, local)?;
        let headers = &head.headers;
        if let Some(origin) = headers.get(ORIGIN) {
            // Some browsers hide the origin of their own page's requests.
            let is_hidden =
                origin.as_bytes() == b"null" && text(headers, &SEC_FETCH_SITE) == Some("same-origin");
            let origin = origin.to_str().unwrap_or("?");
            if headers.get_all(ORIGIN).iter().count() > 1
                || !(is_hidden || self.is_page_of(origin, host.as_ref()))
            {
                return Err(Foreign::Origin(printable(origin)));
            }
        } else if !head.method.is_safe()
            && let Some(referer) = headers.get(REFERER)
            && !self.is_page_of(referer.to_str().unwrap_or("?"), host.as_ref())
        {
            // Old browsers send forms without an origin.
            let page = referer.to_str().ok().and_then(|page| page.parse::<Uri>().ok());
            return Err(Foreign::Origin(
                page.and_then(|page| page.host().map(printable)).unwrap_or_default(),
            ));
        }
        if let Some("cross-site" | "same-site") = text(headers, &SEC_FETCH_SITE) {
            // Links from other sites may be followed.
            let is_link = head.method == Method::GET
                && text(headers, &SEC_FETCH_MODE) == Some("navigate")
                && text(headers, &SEC_FETCH_DEST).is_none_or(|destination| destination == "document");
            if !is_link {
                return Err(Foreign::Site);
            }
        }
        Ok(())
    }

    /// The host that the request is for, if it says so: clients before HTTP/1.1 need not, and are no browsers.
    fn host(&self, head: &request::Parts, local: IpAddr) -> Result<Option<Authority>, Foreign> {
        let mut named = head.headers.get_all(HOST).iter();
        let header = match (named.next(), named.next()) {
            (None, _) => None,
            (Some(value), None) => {
                let authority = value.to_str().ok().and_then(|text| text.parse::<Authority>().ok());
                Some(authority.ok_or(Foreign::UnclearHost)?)
            }
            (Some(_), Some(_)) => return Err(Foreign::UnclearHost),
        };
        for authority in header.iter().chain(head.uri.authority()) {
            if !self.has(authority.host(), local) {
                return Err(Foreign::Host(printable(authority.host())));
            }
        }
        Ok(header)
    }

    fn has(&self, host: &str, local: IpAddr) -> bool {
        let host = plain(host);
        // The SDKs put this in front of the host for StartSyncExecution; nobody else can own such a name.
        let host = host.strip_prefix("sync-").unwrap_or(host);
        let host = host.to_ascii_lowercase();
        match host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
            Ok(address) => {
                let address = address.to_canonical();
                // A page cannot make an address mean another machine.
                address.is_loopback()
                    || self.listen.is_unspecified()
                    || address == self.listen
                    || address == local.to_canonical()
            }
            Err(_) => host == "localhost" || host.ends_with(".localhost") || self.public.contains(&host),
        }
    }

    /// Whether this is the origin, or the address, of a page that this very port served.
    fn is_page_of(&self, page: &str, host: Option<&Authority>) -> bool {
        let Ok(page) = page.parse::<Uri>() else { return false };
        let default_port = match page.scheme_str() {
            Some("http") => 80,
            Some("https") => 443,
            _ => return false,
        };
        let Some(authority) = page.authority() else { return false };
        let page_port = authority.port_u16().unwrap_or(default_port);
        let is_of_host = host.is_some_and(|host| {
            plain(host.host()).eq_ignore_ascii_case(plain(authority.host()))
                && host.port_u16().unwrap_or(default_port) == page_port
        });
        // A proxy in front may put another host into the request than the browser knows.
        let is_public =
            page_port == default_port && self.public.contains(&plain(authority.host()).to_ascii_lowercase());
        is_of_host || is_public
    }
}

impl Foreign {
    /// What is wrong and what to do, for the author of the client.
    pub(crate) fn sentence(&self) -> String {
        match self {
            Foreign::Host(host) => format!(
                "the request is for the host {host}, and this port answers for localhost and its own addresses alone, so that \
                 no web page can reach it by a name of its own; if {host} is a name of this machine, start the stack with \
                 --public-host {host}"
            ),
            Foreign::UnclearHost => {
                "the request does not say clearly which host it is for; send one Host header, such as localhost".to_owned()
            }
            Foreign::Origin(origin) => format!(
                "a web page of {origin} sent this request, and this port takes none from pages but its own; call it from a \
                 program, or, if the page is served by a proxy in front of this port, start the stack with --public-host and \
                 the name of the proxy"
            ),
            Foreign::Site => "a web page of another site sent this request, and this port takes none from pages but its own; \
                              call it from a program, or open the page itself"
                .to_owned(),
        }
    }
}

/// The origins of the page of a port: by the addresses of this machine, and by the names of a proxy in front. `url` is where the
/// port is.
pub(crate) fn page_origins(url: &str, public_hosts: &[String]) -> Vec<String> {
    let port = url.rsplit_once(':').map_or("", |(_, port)| port);
    let own = ["127.0.0.1", "localhost", "[::1]"].map(|host| format!("http://{host}:{port}"));
    let mut origins = vec![url.to_owned()];
    origins.extend(own.into_iter().filter(|origin| origin != url));
    for host in public_hosts {
        let host = plain(host).to_ascii_lowercase();
        origins.extend([
            format!("https://{host}"),
            format!("http://{host}"),
            format!("http://{host}:{port}"),
        ]);
    }
    // An asterisk would be a pattern.
    origins.retain(|origin| !origin.contains('*'));
    origins
}

/// A host without the dot that it may end with.
fn plain(host: &str) -> &str {
    host.strip_suffix('.').unwrap_or(host)
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The part of a client's text that may be repeated in a message.
fn printable(text: &str) -> String {
    let is_usual = |character: char| character.is_ascii_alphanumeric() || ".-_:/[]".contains(character);
    text.chars().take(100).map(|character| if is_usual(character) { character } else { '?' }).collect()
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    const LOCAL: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn check(hosts: &Hosts, method: &str, headers: &[(&str, &str)]) -> Result<(), Foreign> {
        let mut request = Request::builder().method(method).uri("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        hosts.check(&request.body(()).unwrap().into_parts().0, LOCAL)
    }

    fn hosts() -> Hosts {
        Hosts::new(LOCAL, &["host.docker.internal".to_owned(), "draw.example".to_owned()])
    }

    #[test]
    fn names_and_addresses_of_this_machine_are_answered() {
        for host in [
            "localhost:4566",
            "LOCALHOST",
            "localhost.:4566",
            "bucket.localhost:4566",
            "127.0.0.1:4566",
            "127.9.9.9",
            "[::1]:4566",
            "[::ffff:127.0.0.1]",
            "sync-localhost:4566",
            "host.docker.internal:4566",
            "Draw.Example",
        ] {
            assert_eq!(check(&hosts(), "POST", &[("host", host)]), Ok(()), "{host}");
        }
        assert_eq!(check(&hosts(), "POST", &[]), Ok(()), "HTTP/1.0 has no host");
    }

    #[test]
    fn a_name_that_was_bound_anew_is_refused() {
        for host in [
            "evil.example",
            "evil.example:4566",
            "localhost.evil.example",
            "127.0.0.1.nip.io",
            "notlocalhost",
            "192.0.2.7",
        ] {
            let named = host.split(':').next().unwrap().to_owned();
            assert_eq!(check(&hosts(), "GET", &[("host", host)]), Err(Foreign::Host(named)), "{host}");
        }
        assert_eq!(check(&hosts(), "GET", &[("host", "a b")]), Err(Foreign::UnclearHost));
        let twice = [("host", "localhost"), ("host", "evil.example")];
        assert_eq!(check(&hosts(), "GET", &twice), Err(Foreign::UnclearHost));
        let by_address = Request::get("http://evil.example/").header("host", "localhost").body(()).unwrap();
        assert!(hosts().check(&by_address.into_parts().0, LOCAL).is_err());
    }

    #[test]
    fn whoever_listens_everywhere_is_reached_by_every_address() {
        let everywhere = Hosts::new("0.0.0.0".parse().unwrap(), &[]);
        assert_eq!(check(&everywhere, "GET", &[("host", "192.0.2.7:8080")]), Ok(()));
        assert!(check(&everywhere, "GET", &[("host", "evil.example")]).is_err());
    }

    /// Headers as Chromium sends them for a form, `fetch` in the mode `no-cors`, and a preflight.
    #[test]
    fn what_another_sites_page_can_send_without_asking_is_refused() {
        let host = ("host", "127.0.0.1:4566");
        for site in [
            "http://evil.example",
            "https://evil.example",
            "http://127.0.0.1:3000",
            "http://localhost:4566",
            "null",
        ] {
            let is_same_site = site.starts_with("http://127.0.0.1");
            let fetch_site = ("sec-fetch-site", if is_same_site { "same-site" } else { "cross-site" });
            let form = [
                host,
                ("origin", site),
                ("content-type", "application/x-www-form-urlencoded"),
                fetch_site,
                ("sec-fetch-mode", "navigate"),
                ("sec-fetch-dest", "document"),
            ];
            assert_eq!(check(&hosts(), "POST", &form), Err(Foreign::Origin(site.to_owned())));
            // What a browser without the newer headers sends.
            assert_eq!(check(&hosts(), "POST", &form[..3]), Err(Foreign::Origin(site.to_owned())));
            let fetch = [host, ("origin", site), ("content-type", "text/plain;charset=UTF-8"), fetch_site];
            assert_eq!(check(&hosts(), "POST", &fetch), Err(Foreign::Origin(site.to_owned())));
            let preflight = [host, ("origin", site), ("access-control-request-method", "POST"), fetch_site];
            assert_eq!(check(&hosts(), "OPTIONS", &preflight), Err(Foreign::Origin(site.to_owned())));
        }
        let image = [
            host,
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "no-cors"),
            ("sec-fetch-dest", "image"),
        ];
        assert_eq!(check(&hosts(), "GET", &image), Err(Foreign::Site));
        let old = [host, ("referer", "http://evil.example/page")];
        assert_eq!(check(&hosts(), "POST", &old), Err(Foreign::Origin("evil.example".to_owned())));
    }

    #[test]
    fn the_stacks_own_page_and_links_to_it_work() {
        let host = ("host", "localhost:8080");
        let own = ("origin", "http://localhost:8080");
        assert_eq!(check(&hosts(), "POST", &[host, own, ("sec-fetch-site", "same-origin")]), Ok(()));
        assert_eq!(
            check(&hosts(), "POST", &[host, ("origin", "null"), ("sec-fetch-site", "same-origin")]),
            Ok(())
        );
        assert_eq!(check(&hosts(), "GET", &[host, ("sec-fetch-site", "none")]), Ok(()));
        let link = [
            host,
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
            ("referer", "https://mail.example/"),
        ];
        assert_eq!(check(&hosts(), "GET", &link), Ok(()));
        assert_eq!(check(&hosts(), "POST", &link[..4]), Err(Foreign::Site));
        // Behind a proxy that keeps the host, and behind one that does not.
        for host in ["draw.example", "127.0.0.1:8080"] {
            assert_eq!(
                check(&hosts(), "POST", &[("host", host), ("origin", "https://draw.example")]),
                Ok(())
            );
        }
        let other_port = [("host", "127.0.0.1:8080"), ("origin", "http://draw.example:3000")];
        assert!(check(&hosts(), "POST", &other_port).is_err());
    }

    #[test]
    fn a_page_has_the_origins_by_which_it_can_be_opened() {
        let origins = page_origins("http://127.0.0.1:8080", &["Draw.Example.".to_owned(), "*".to_owned()]);
        let expected = [
            "http://127.0.0.1:8080",
            "http://localhost:8080",
            "http://[::1]:8080",
            "https://draw.example",
            "http://draw.example",
            "http://draw.example:8080",
        ];
        assert_eq!(origins, expected);
    }

    #[test]
    fn a_sentence_holds_nothing_that_could_forge_another() {
        assert_eq!(printable("a\u{1b}[31m\r\nb c"), "a?[31m??b?c");
    }
}
