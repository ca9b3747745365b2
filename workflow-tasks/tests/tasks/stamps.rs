//! Time stamps of the commitment: kept once, waited for no longer than they are of use, and never in a draw's way.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use lottery::verify::{Options, StepName, verify};
use lottery::witness::local::LocalAuthority;
use lottery::{DrawId, DrawStatus};
use serde_json::json;
use workflow_tasks::Clock;

use test_world::beacon::Beacon;
use test_world::{ManualClock, PATH, World};

/// What an authority does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// It stamps what it is asked to stamp.
    Good,
    /// It never answers.
    Silent,
    Down,
    ServerError,
    Nonsense,
    /// It stamps another hash.
    Exchanged,
    /// It answers without an end.
    Endless,
}

/// The authorities of a test, whose addresses end in their numbers, and the beacon beside them.
#[derive(Clone)]
struct Answering {
    manners: Vec<Manner>,
    clock: Arc<ManualClock>,
    beacon: Beacon,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Answering {
    /// Makes these the authorities of `world`.
    fn in_world(world: &mut World, manners: &[Manner]) -> Self {
        let (clock, beacon) = (world.clock.clone(), world.beacon.clone());
        let answering = Self { manners: manners.to_vec(), clock, beacon, asked: Arc::default() };
        let urls = (0..manners.len()).map(|number| format!("http://authority.invalid/{number}"));
        world.cx.config.authorities = urls.collect();
        let connector = SharedHttpConnector::new(answering.clone());
        world.cx.services = world.cx.services.clone().with_http(connector);
        answering
    }
}

impl HttpConnector for Answering {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if !request.uri().starts_with("http://authority.invalid/") {
            return self.beacon.call(request);
        }
        self.asked.lock().unwrap().push(request.uri().to_owned());
        assert_eq!(request.headers().get("content-type"), Some("application/timestamp-query"));
        let number: usize = request.uri().rsplit('/').next().unwrap().parse().unwrap();
        let mut query = request.body().bytes().unwrap().to_vec();
        let manner = self.manners[number];
        if manner == Manner::Exchanged {
            // The end is the flag that asks for certificates; before it is the hash.
            let place = query.len() - 4;
            query[place] ^= 1;
        }
        let (status, body) = match manner {
            Manner::Silent => return HttpConnectorFuture::new(std::future::pending()),
            Manner::Down => {
                return HttpConnectorFuture::ready(Err(ConnectorError::io("connection refused".into())));
            }
            Manner::Good | Manner::Exchanged => {
                let reply = LocalAuthority::from_seed(&[9; 32]).reply(&query, self.clock.now()).unwrap();
                (200, reply)
            }
            Manner::ServerError => (500, Vec::new()),
            Manner::Nonsense => (200, b"<html>".to_vec()),
            Manner::Endless => (200, vec![0x30; 1 << 20]),
        };
        let response = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body));
        HttpConnectorFuture::ready(Ok(response))
    }
}

impl fmt::Debug for Answering {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Answering")
    }
}

/// A world with these authorities, and a draw that is sealed.
async fn sealed(manners: &[Manner]) -> (World, DrawId, Answering) {
    let mut world = World::with_phones(5).await;
    let answering = Answering::in_world(&mut world, manners);
    let draw_id = world.ask("d1", json!({"winners": 2})).await;
    world.call("seal-entries", &draw_id).await.unwrap();
    (world, draw_id, answering)
}

async fn stamp(world: &World, draw_id: &DrawId) -> u64 {
    world.call("stamp-commitment", draw_id).await.unwrap()["stamps"].as_u64().unwrap()
}

/// Draws to the end, and gives what the step `witness` of the verification found.
async fn found(world: &World, draw_id: &DrawId) -> String {
    for function in &PATH[1..] {
        world.call(function, draw_id).await.unwrap();
    }
    let (proof, entries) = world.proof(draw_id).await;
    let report = verify(proof.to_canonical_json(Some(&entries)).as_bytes(), &Options::default());
    assert!(report.holds, "{report}");
    report.steps.into_iter().find(|step| step.step == StepName::Witness).unwrap().found
}

#[tokio::test]
async fn stamps_are_kept_once_and_stand_in_the_proof() {
    let (world, draw_id, answering) = sealed(&[Manner::Good, Manner::Good]).await;
    let (before, _) = world.proof(&draw_id).await;
    assert_eq!(before.witnesses, None);
    assert_eq!(stamp(&world, &draw_id).await, 2);
    let (first, _) = world.proof(&draw_id).await;
    assert_eq!(first.witnesses.as_ref().map(Vec::len), Some(2));
    assert_eq!(stamp(&world, &draw_id).await, 2);
    assert_eq!(answering.asked.lock().unwrap().len(), 2, "a second run asks nobody");
    assert_eq!(world.proof(&draw_id).await.0, first);
    let found = found(&world, &draw_id).await;
    assert_eq!(found.matches("a machine's own clock had the commitment by").count(), 2, "{found}");
}

#[tokio::test]
async fn two_runs_at_once_keep_the_stamps_of_one() {
    let (world, draw_id, _) = sealed(&[Manner::Good]).await;
    let (one, other) = tokio::join!(stamp(&world, &draw_id), stamp(&world, &draw_id));
    assert_eq!((one, other), (1, 1));
    assert_eq!(world.proof(&draw_id).await.0.witnesses.unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_no_stamp_of_this_commitment_is_not_kept_and_the_draw_goes_on() {
    use Manner::{Down, Endless, Exchanged, Good, Nonsense, ServerError};
    let (world, draw_id, answering) = sealed(&[Down, ServerError, Nonsense, Exchanged, Endless, Good]).await;
    assert_eq!(stamp(&world, &draw_id).await, 1);
    assert_eq!(answering.asked.lock().unwrap().len(), 6);
    let found = found(&world, &draw_id).await;
    assert_eq!(found.matches("had the commitment by").count(), 1, "{found}");

    let (world, draw_id, _) = sealed(&[Down, Nonsense]).await;
    assert_eq!(stamp(&world, &draw_id).await, 0);
    assert!(self::found(&world, &draw_id).await.starts_with("unwitnessed: nobody but the organiser"));
}

#[tokio::test(start_paused = true)]
async fn a_silent_authority_is_waited_for_no_longer_than_five_seconds_nor_than_until_the_round() {
    for (draw_at, longest) in [(3600, 5.0), (0, 4.0)] {
        let (mut world, _, _) = sealed(&[]).await;
        Answering::in_world(&mut world, &[Manner::Silent, Manner::Good]);
        world.call("fetch-beacon", &DrawId::parse("d1").unwrap()).await.unwrap();
        for function in &PATH[2..] {
            world.call(function, &DrawId::parse("d1").unwrap()).await.unwrap();
        }
        let mut request = json!({"winners": 1, "exclude_past_winners": false});
        if draw_at > 0 {
            request["draw_at"] = json!((world.clock.now() + Duration::from_secs(draw_at)).to_string());
        }
        let draw_id = world.ask("d2", request).await;
        world.call("seal-entries", &draw_id).await.unwrap();
        let began = tokio::time::Instant::now();
        assert_eq!(stamp(&world, &draw_id).await, 1, "the other one's stamp is kept");
        let took = began.elapsed().as_secs_f64();
        assert!((0.5..=longest).contains(&took), "{took} s with a round {draw_at} s away");
    }
}

#[tokio::test]
async fn nobody_is_asked_once_the_round_is_out_or_before_anything_is_sealed() {
    let (world, draw_id, answering) = sealed(&[Manner::Good]).await;
    world.wait_for_beacon(&draw_id).await;
    assert_eq!(stamp(&world, &draw_id).await, 0);
    let unsealed = world.ask("d2", json!({"winners": 1})).await;
    assert_eq!(world.call("stamp-commitment", &unsealed).await.unwrap_err().name(), "DrawElsewhere");
    let unknown = DrawId::parse("d3").unwrap();
    assert_eq!(world.call("stamp-commitment", &unknown).await.unwrap_err().name(), "DrawUnknown");
    assert!(answering.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn the_round_of_a_draw_comes_out_at_the_time_that_was_asked_for() {
    let world = World::with_phones(3).await;
    let draw_at = world.clock.now() + Duration::from_secs(3 * 86_400);
    let draw_id = world.ask("d1", json!({"winners": 1, "draw_at": draw_at.to_string()})).await;
    world.call("seal-entries", &draw_id).await.unwrap();
    let draw = world.draw(&draw_id).await;
    let late = draw.round_at.unwrap().duration_since(draw_at).as_secs_f64();
    assert!((0.0..4.0).contains(&late), "the period is 3 s, and a margin has whole seconds: {late}");
    world.run(&draw_id).await;
    assert_eq!(world.status(&draw_id).await, DrawStatus::Succeeded);
    let (proof, entries) = world.proof(&draw_id).await;
    assert!(proof.manifest.margin_seconds >= 3 * 86_400);
    let report = verify(proof.to_canonical_json(Some(&entries)).as_bytes(), &Options::default());
    assert!(report.holds, "{report}");

    // A list that is sealed only after that time is drawn as soon as it can be.
    let draw_at = world.clock.now() + Duration::from_secs(60);
    let request = json!({"winners": 1, "draw_at": draw_at.to_string(), "exclude_past_winners": false});
    let draw_id = world.ask("d2", request).await;
    world.clock.advance(Duration::from_secs(3600));
    world.call("seal-entries", &draw_id).await.unwrap();
    let wait = world.draw(&draw_id).await.round_at.unwrap().duration_since(world.clock.now()).as_secs_f64();
    assert!((1.0..5.0).contains(&wait), "{wait}");
}
