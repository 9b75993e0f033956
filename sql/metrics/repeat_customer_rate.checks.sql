-- A share lies between 0 and 1.
with
out_of_bounds as (
    select day
    from audit.repeat_customer_rate
    where repeat_users > users or repeat_users_excluding_same_day > repeat_users
)
select 'MET-BOUNDS' as rule_id, 'error' as severity, 'days with more repeat users than users: ' || count(*)::varchar(20) as detail
from out_of_bounds
having count(*) > 0
