//! Many instances on one host.

use super::*;

const MANY: usize = 500;

#[tokio::test]
async fn five_hundred_instances_are_created_listed_page_by_page_and_deleted() {
    let place = Place::new();
    let host = place.open();
    host.topology_set(&recording("t", &no_parameters()))
        .await
        .unwrap();
    let names: Vec<String> = (0..MANY).map(|n| format!("instance-{n:03}")).collect();
    for name in &names {
        assert!(
            host.instance_set(&instance(name, "t", &no_parameters()))
                .await
                .unwrap()
                .created
        );
    }
    let (mut listed, mut request, mut pages) = (Vec::new(), PageRequest::default(), 0);
    loop {
        let page = host.instance_list(&request).await.unwrap();
        let items = page["value"].as_array().unwrap();
        assert!(items.len() <= page::PAGE_SIZE);
        listed.extend(items.iter().map(|one| one["name"].as_str().unwrap().to_owned()));
        pages += 1;
        match page.get("@continuationToken") {
            Some(token) => request.token = Some(token.as_str().unwrap().to_owned()),
            None => break,
        }
    }
    assert_eq!((listed, pages), (names.clone(), MANY.div_ceil(page::PAGE_SIZE)));
    drop(host);
    let host = place.open();
    assert_eq!(host.statuses().len(), MANY, "they are there after a restart");
    let deleted = names.iter().map(|name| host.instance_delete(name));
    let deleted = futures::future::join_all(deleted).await;
    assert!(deleted.iter().all(|one| *one == Ok(Deleted::Yes)));
    assert_eq!(
        host.instance_list(&PageRequest::default()).await.unwrap(),
        json!({"value": []})
    );
}

#[tokio::test]
async fn many_instances_start_and_stop_at_the_same_time() {
    const AT_ONCE: usize = 40;
    let place = Place::new();
    let host = place.open();
    host.topology_set(&recording("t", &no_parameters()))
        .await
        .unwrap();
    let names: Vec<String> = (0..AT_ONCE).map(|n| format!("i{n}")).collect();
    for name in &names {
        host.instance_set(&instance(name, "t", &no_parameters()))
            .await
            .unwrap();
    }
    let activated = futures::future::join_all(names.iter().map(|name| host.instance_activate(name))).await;
    assert!(activated.iter().all(Result::is_ok), "{activated:?}");
    host.shutdown().await;
    drop(host);
    let host = place.open();
    host.resume().await;
    assert!(
        host.statuses()
            .iter()
            .all(|status| status.state == InstanceState::Active)
    );
    let stopped = futures::future::join_all(names.iter().map(|name| host.instance_deactivate(name))).await;
    assert!(
        stopped.iter().all(|one| *one == Ok(Drained::default())),
        "{stopped:?}"
    );
}
