#include <cstdio>

#include "aixcell_instances.hpp"
#include "choice.hpp"
#include "open_data.hpp"

namespace aixcell::program {

void recommend(const recommend_arguments& arguments) {
  context<cpu> ctx(arguments.compute.threads, arguments.compute.settings);
  const pipeline_list compiled = compiled_pipelines();
  const opened_data data = open_data(ctx, arguments.data, arguments.acquired.over({}), arguments.view);
  data.train.require_trainable();
  const fingerprint facts = fingerprint_of(ctx, data.train);
  const training_step step = step_for(arguments.step, facts);
  const auto candidates =
      aixcell::recommend(compiled, facts, requirements_for({arguments.limits, arguments.goal, arguments.compute.settings}, data.train),
                         measure_machine_speed(ctx), {step.batch, step.tile, step.tile, data.train.channels});
  if (!arguments.json) {
    std::fputs(candidates_text(candidates).c_str(), stdout);
    return;
  }
  nlohmann::json list = nlohmann::json::array();
  for (const candidate& c : candidates) list.push_back(to_json(c));
  std::printf("%s\n", nlohmann::json{{"data", to_json(facts)}, {"candidates", list}}.dump(1).c_str());
}

}  // namespace aixcell::program
