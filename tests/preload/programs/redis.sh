# A server with several clients on a socket in this folder.
redis-server --port 0 --unixsocket ./socket --save '' --appendonly no --loglevel warning > server.log 2>&1 &
server=$!
for i in $(seq 200); do
  redis-cli -s ./socket ping > /dev/null 2>&1 && break
  sleep 0.05
done
redis-cli -s ./socket ping
seq 20000 | sed 's/.*/SET key:& value-&-&-&-&-&/' | redis-cli -s ./socket --pipe | tail -1
for client in 1 2 3; do
  {
    seq 3000 | sed "s/.*/RPUSH list:$client element-&/"
    seq 3000 | sed "s/.*/ZADD set:$client & member-&/"
    seq 3000 | sed "s/.*/HSET hash:$client field-& value-&/"
    seq 300 | sed "s/.*/APPEND long:$client 01234567890123456789012345678901234567890123456789/"
  } | redis-cli -s ./socket > /dev/null &
  clients="$clients $!"
done
wait $clients
redis-cli -s ./socket dbsize
redis-cli -s ./socket mget key:1 key:777 key:20000
redis-cli -s ./socket zrange set:2 100 110 withscores
redis-cli -s ./socket lrange list:3 2990 -1
redis-cli -s ./socket hgetall hash:1 | sort | sha256sum
redis-cli -s ./socket strlen long:1
redis-cli -s ./socket eval 'local n = 0 for i = 1, 20000 do n = n + #redis.call("get", "key:" .. i) end return n' 0
redis-cli -s ./socket flushall
redis-cli -s ./socket dbsize
redis-cli -s ./socket shutdown nosave
wait $server
echo "server's status $?"
