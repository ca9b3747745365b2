//! Starting, stopping and restarting a whole stack.

use super::*;

async fn refusal(config: Config) -> String {
    Stack::start(config).await.err().expect("the stack must not start").to_string()
}

#[tokio::test]
async fn a_port_in_use_is_named_with_the_option_that_changes_it() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let _listener = std::net::TcpListener::bind(taken).unwrap();
    let sentence =
        |option| format!("the address {taken} is already in use; choose another one with {option}");
    let config = Config { listen: taken, ..Config::in_memory() };
    assert_eq!(refusal(config).await, sentence("--listen"));
    let config = Config { aws_listen: taken, ..Config::in_memory() };
    assert_eq!(refusal(config).await, sentence("--aws-listen"));
}

#[tokio::test]
async fn a_data_directory_in_use_or_unwritable_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let config = |path: PathBuf| Config { storage: Storage::Directory(path), ..Config::in_memory() };
    let held = DataDirectory::open(directory.path()).unwrap();
    assert!(refusal(config(directory.path().to_owned())).await.ends_with("is in use by another process"));
    drop(held);
    let file = directory.path().join("lock");
    assert!(refusal(config(file.join("data"))).await.starts_with("cannot write to "));
}

#[tokio::test]
async fn a_lambda_endpoint_that_is_none_is_refused() {
    let config = Config { lambda_endpoint: Some("localhost:9000".to_owned()), ..Config::in_memory() };
    assert_eq!(refusal(config).await, "localhost:9000 is not an http:// address of a Lambda Invoke API");
}

async fn tables(stack: &Stack) -> Vec<String> {
    let client = aws_sdk_dynamodb::Client::new(&aws::sdk_config(&stack.endpoint, "test"));
    client.list_tables().send().await.unwrap().table_names.unwrap_or_default()
}

#[tokio::test]
async fn a_stack_starts_again_on_its_directory_and_finds_what_it_kept() {
    let directory = tempfile::tempdir().unwrap();
    let storage = Storage::Directory(directory.path().to_owned());
    let config = Config { storage, ..Config::in_memory() };
    let first = Stack::start(config.clone()).await.unwrap();
    let jwks = first.issuer.jwks();
    let sns = aws_sdk_sns::Client::new(&aws::sdk_config(&first.endpoint, "test"));
    sns.create_topic().name("kept").send().await.unwrap();
    let machine = first.engine.state_machine(&LOTTERY.arn()).unwrap().revision_id.clone();
    first.shutdown().await;

    let second = Stack::start(config).await.unwrap();
    assert_eq!(second.issuer.jwks(), jwks);
    assert_eq!(std::fs::read_to_string(directory.path().join("organiser.token")).unwrap(), second.token);
    let sns = aws_sdk_sns::Client::new(&aws::sdk_config(&second.endpoint, "test"));
    let topics = sns.list_topics().send().await.unwrap().topics.unwrap();
    assert_eq!(topics.len(), 2, "the operator's topic is not made twice");
    assert_eq!(tables(&second).await, ["Contacts", "Lottery"]);
    let again = second.engine.state_machine(&LOTTERY.arn()).unwrap().revision_id.clone();
    assert_eq!(again, machine, "an unchanged definition is not updated");
    second.shutdown().await;
}

#[tokio::test]
async fn stacks_in_one_process_know_nothing_of_each_other() {
    let one = Stack::start(Config::in_memory()).await.unwrap();
    let other = Stack::start(Config::in_memory()).await.unwrap();
    assert_ne!(one.issuer.jwks(), other.issuer.jwks());
    let client = aws_sdk_dynamodb::Client::new(&aws::sdk_config(&one.endpoint, "test"));
    client.delete_table().table_name("Contacts").send().await.unwrap();
    assert_eq!(tables(&one).await, ["Lottery"]);
    assert_eq!(tables(&other).await, ["Contacts", "Lottery"]);
    one.shutdown().await;
    assert_eq!(tables(&other).await.len(), 2);
    assert!(client.list_tables().send().await.is_err(), "a client of a stack that is gone gets no answer");
}

#[tokio::test]
async fn a_stack_that_is_down_has_left_its_ports() {
    let stack = Stack::start(Config::in_memory()).await.unwrap();
    let address = |url: &str| url.trim_start_matches("http://").parse().unwrap();
    let config = Config {
        listen: address(&stack.api_url),
        aws_listen: address(&stack.aws_url),
        ..Config::in_memory()
    };
    stack.shutdown().await;
    Stack::start(config).await.unwrap().shutdown().await;
}
