# Tables of 60,000 rows in a file and in memory.
for database in file.db :memory:; do
  sqlite3 $database <<'EOF'
create table item(id integer primary key, name text, price real, kind integer);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 60000)
insert into item select i, 'name ' || (i * 7919 % 60013), i * 0.25, i % 17 from n;
create index by_name on item(name);
select kind, count(*), sum(price), min(name), max(name) from item group by kind order by kind;
select a.id, b.id from item a join item b on b.name = a.name and b.id > a.id limit 20;
select count(distinct substr(name, 6, 3)) from item;
begin; update item set name = name || hex(zeroblob(id % 40)) where kind < 5; rollback;
update item set name = upper(name) || printf('%0100d', id) where kind = 3;
delete from item where kind in (1, 2);
select length(group_concat(name)) from item;
vacuum;
pragma integrity_check;
select count(*), sum(length(name)) from item;
.mode json
select * from item order by name limit 5;
EOF
done
sqlite3 file.db .dump | sha256sum
