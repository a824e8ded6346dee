# ruff: noqa: E501 -- prompts keep their lines
"""The wordings of both judges; "paper" is Fig. 19."""

from __future__ import annotations

CLAIR_PROMPTS = {
    "paper": """\
You are trying to tell if a candidate caption is describing the same image as a reference set of captions.
Candidate caption:
{candidate}
Reference set:
{references}
On a precise scale from 0 to 100, how likely is it that the candidate is describing the same image as the \
reference set?

Your output format is as follows:
"
Score: [?]
Reason:
"
""",
    "official": """\
You are trying to tell if a candidate set of captions is describing the same image as a reference set of captions.
Candidate set:
{candidate}
Reference set:
{references}
On a precise scale from 0 to 100, how likely is it that the candidate set is describing the same image as the \
reference set? (JSON format, with a key "score", value between 0 and 100, and a key "reason" with a string value.)
""",
}

JUDGE_SYSTEM = "You are a helpful assistant proficient in analyzing vision reasoning problems."

_TASK = """\
(Instruction)
Please examine the provided image attentively and serve as an unbiased judge in assessing the quality of the \
response from an AI assistant regarding the instruction. You will receive a single response from the assistant \
to user's instruction.

(Noticement)
Your assessment should identify whether the assistant effectively adheres to the user's instructions and \
addresses the user's inquiry. In your evaluation, weigh factors such as relevance, accuracy, comprehensiveness, \
creativity, and the granularity of the responses. Do not allow the length of the responses to influence your \
evaluation. Do not favor certain names or positions of the assistants. Be as objective as possible.

(Criteria)
Use scores to show the quality of the response. Here is the detailed scoring rubric for evaluating the quality \
of responses from AI assistants:
Poor (1): The response significantly deviates from the user's instruction and fails to address the query \
effectively. It shows a lack of relevance, accuracy, and comprehensiveness. Creativity and granularity are \
absent or poorly executed.
Fair (2): The response addresses the user's instruction partially, with evident shortcomings in relevance, \
accuracy, or comprehensiveness. It lacks depth in creativity and granularity.
Average (3): The response adequately addresses the user's instruction, showing a fair level of relevance, \
accuracy, and comprehensiveness. It reflects a basic level of creativity and granularity but may lack \
sophistication.
Good (4): The response is well-aligned with the user's instruction, demonstrating a high degree of relevance, \
accuracy, and comprehensiveness. It shows creativity and a nuanced understanding with detailed granularity.
Excellent (5): The response perfectly adheres to the user's instruction, excelling in relevance, accuracy, \
comprehensiveness, creativity, and granularity.

(Conversation that requires evaluation)
[The Start of User Instruction]
Describe this image{length}.
[The End of User Instruction]
[The Start of Assistant's Answer]
{{candidate}}
[The End of Assistant's Answer]

Use '[1]', '[2]', '[3]', '[4]', '[5]' to indicate your evaluate score in the key judgement.
"""

JUDGE_PROMPTS = {
    "paper": _TASK.format(length=" in a single sentence")
    + """
Your output format is as follows:
"
Score: [?]
Reason:
"
""",
    "official": _TASK.format(length="")
    + """
Your output format is as follows:
"
Analysis: ?
Judgement: [?]
"
""",
}
