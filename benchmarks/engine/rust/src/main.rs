// Times native Cedar on the set that bench.ts wrote into a folder: `engine-bench FOLDER ROUNDS`. Prints nanoseconds, one decision a line,
// and at last how many requests were allowed. Each request stands parsed before the clock starts, its context included.
use cedar_policy::{Authorizer, Context, Decision, Entities, EntityUid, PolicySet, Request, Schema};
use serde_json::Value;
use std::{env, fs, hint::black_box, io::Write, time::Instant};

fn uid(json: &Value) -> EntityUid {
    EntityUid::from_json(json.clone()).expect("a uid")
}

fn main() {
    let folder = env::args().nth(1).expect("a folder");
    let rounds: usize = env::args().nth(2).expect("rounds").parse().expect("a number");
    let read = |name: &str| fs::read_to_string(format!("{folder}/{name}")).expect(name);
    let policies: PolicySet = read("policies.cedar").parse().expect("policies");
    let (schema, _warnings) = Schema::from_cedarschema_str(&read("schema.cedarschema")).expect("a schema");
    let entities = Entities::from_json_str(&read("entities.json"), Some(&schema)).expect("entities");
    let requests: Vec<Request> = read("requests.jsonl")
        .lines()
        .map(|line| {
            let json: Value = serde_json::from_str(line).expect("a request");
            let context = Context::from_json_value(json["context"].clone(), None).expect("a context");
            Request::new(uid(&json["principal"]), uid(&json["action"]), uid(&json["resource"]), context, None).expect("fits")
        })
        .collect();
    let authorizer = Authorizer::new();
    let mut allowed = 0;
    let mut took = Vec::with_capacity(requests.len() * rounds);
    for round in 0..=rounds {
        for request in &requests {
            let start = Instant::now();
            let response = black_box(authorizer.is_authorized(black_box(request), &policies, &entities));
            let nanoseconds = start.elapsed().as_nanos();
            if round == 0 {
                allowed += usize::from(response.decision() == Decision::Allow);
            } else {
                took.push(nanoseconds);
            }
        }
    }
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for nanoseconds in took {
        writeln!(out, "{nanoseconds}").expect("written");
    }
    writeln!(out, "allowed {allowed}").expect("written");
}
