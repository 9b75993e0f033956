//! Cursors, in procedures and of a session.

use crate::support::Warehouse;

#[tokio::test]
async fn cursors_are_opened_read_and_handed_to_the_client() {
    let warehouse = Warehouse::start("cursors").await;
    warehouse
        .apply(&[
            "create table public.t (k int)",
            "insert into t values (1), (2), (3)",
            "create procedure total(result out int) as $$
            declare
                bound cursor (least_k int) for select k from t where k >= least_k order by k;
                fetched int;
            begin
                result := 0;
                open bound(2);
                loop
                    fetch bound into fetched;
                    exit when not found;
                    result := result + fetched;
                end loop;
                close bound;
            end;
            $$ language plpgsql",
            "create procedure hand_out(name inout refcursor) as $$
            begin
                open name for select k from t order by k desc;
            end;
            $$ language plpgsql",
            "create procedure two() as $$
            declare
                a refcursor;
                b refcursor;
            begin
                open a for select 1;
                open b for select 2;
            end;
            $$ language plpgsql",
            "create procedure closed() as $$
            declare
                row record;
            begin
                for row in select k from t loop
                    commit;
                end loop;
            end;
            $$ language plpgsql",
        ])
        .await;
    assert_eq!(warehouse.value("call total()").await, "5");
    let id = warehouse.submit_batch(&["call hand_out('mine')", "fetch forward 2 from mine", "close mine"]).await;
    let batch = warehouse.end(&id).await;
    assert!(batch.is_finished(), "{}", batch.error());
    assert_eq!(warehouse.result(&format!("{id}:2")).await, [["3"], ["2"]]);
    assert!(warehouse.error("call two()").await.contains("a cursor is open already"));
    assert!(warehouse.error("call closed()").await.contains("does not exist"));
}

#[tokio::test]
async fn a_session_has_one_open_cursor() {
    let warehouse = Warehouse::start("one_cursor").await;
    warehouse
        .apply(&[
            "create procedure opens(c inout refcursor) as $$ begin open c for select 1; end; $$ language plpgsql",
            "create procedure loops() as $$ declare r record; begin for r in select 1 loop null; end loop; end; $$ \
             language plpgsql",
        ])
        .await;
    let declare = "declare c cursor for select 1";
    for second in ["declare d cursor for select 1", "call opens('d')", "call loops()"] {
        for first in [declare, "call opens('c')"] {
            let error = warehouse.run_batch(&[first, second]).await.error().to_owned();
            assert!(error.starts_with("Query #2") && error.contains("a cursor is open already"), "{second}: {error}");
            let batch = warehouse.run_batch(&[first, "close c", second]).await;
            assert!(batch.is_finished(), "{second}: {}", batch.error());
        }
    }
}
