{{ config(dist='customer', sort=['customer']) }}

select customer, count(*) as orders, sum(amount) as amount, getdate() as built_at
from {{ source('raw', 'orders') }}
group by customer
