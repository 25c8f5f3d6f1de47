-- For wrk: several requests in one write if that is asked for, and the figures on one line that a program can read.
--
--   wrk ... -s wrk.lua URL -- DEPTH

function init(args)
   local depth = tonumber(args[1] or 1)
   if depth > 1 then
      local batch = string.rep(wrk.format(), depth)
      -- Without this function wrk sends the same bytes each time and asks no script.
      request = function() return batch end
   end
end

function done(summary, latency)
   local errors = summary.errors
   io.write(string.format("figures %d %d %d %d %d %d\n",
      summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
      errors.connect + errors.read + errors.write + errors.timeout, errors.status))
end
